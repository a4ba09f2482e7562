"""PASCAL-S: 850 photographs of PASCAL VOC with salient objects (Li et al., CVPR 2014)."""

import pathlib

from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import list_items
from ubernet_jax.datasets.builders.masked_photographs import MaskedPhotographs, list_pairs

_IMAGES = 'datasets/imgs/pascal'
_MASKS = 'datasets/masks/pascal'


class PascalS(MaskedPhotographs):
    """Reads `datasets/imgs/pascal/N.jpg` and `datasets/masks/pascal/N.png`, as downloaded.

    The lists `train.txt` and `test.txt` beside `datasets` define the splits. The download has no
    lists; then all images are in `test`, which is how the paper uses the dataset.
    """

    name = 'pascal_s'
    folders = ('', 'PASCAL-S')
    marker = _IMAGES
    card = Card(
        tasks=('saliency',),
        counts={'test': 850},
        home='https://cbs.ic.gatech.edu/salobj/',
        licence="research; photographs under Flickr's terms",
        citation='Li et al., The Secrets of Salient Object Segmentation, CVPR 2014',
        archives=('salObj.zip',),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        lists = {split: source / f'{split}.txt' for split in ('train', 'test')}
        if not any(path.exists() for path in lists.values()):
            return {'test': list_pairs(source / _IMAGES, source / _MASKS, self.left_out['test'])}
        patterns = (f'{_IMAGES}/{{}}.jpg', f'{_MASKS}/{{}}.png')
        return {split: list_items(source, path, patterns) for split, path in lists.items()}
