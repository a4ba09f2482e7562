"""PASCAL-S: 850 photographs of PASCAL VOC with salient objects (Li et al., CVPR 2014)."""

import pathlib

from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.files import check_exist, read_image, read_label, read_list
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS

_IMAGES = 'datasets/imgs/pascal'
_MASKS = 'datasets/masks/pascal'


class PascalS(Builder):
    """`datasets/imgs/pascal/N.jpg` and `datasets/masks/pascal/N.png`, as it is downloaded.

    The lists `train.txt` and `test.txt` beside `datasets` split the set. As it is downloaded it
    has none, and all of it is `test`, which is how the paper uses it.
    """

    name = 'pascal_s'
    folders = ('', 'PASCAL-S')
    marker = _IMAGES

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        lists = {split: source / f'{split}.txt' for split in ('train', 'test')}
        if not any(path.exists() for path in lists.values()):
            ids = sorted(path.stem for path in (source / _IMAGES).glob('*.jpg'))
            if not ids:
                raise UserError(f'{source / _IMAGES} holds no .jpg; unpack PASCAL-S again')
            return {'test': _pairs(source, ids)}
        return {
            split: _pairs(source, read_list(path), named_by=path) for split, path in lists.items()
        }

    def read(self, item: tuple[pathlib.Path, ...]) -> tuple[Example, bytes]:
        image_path, mask_path = item
        image, encoded_image = read_image(image_path)
        saliency = read_label(mask_path, TASKS['saliency'], image)
        example = Example(id=image_path.stem, image=image, labels={'saliency': saliency})
        return example, encoded_image


def _pairs(
    source: pathlib.Path, ids: list[str], named_by: pathlib.Path | None = None
) -> list[tuple[pathlib.Path, ...]]:
    pairs = [(source / _IMAGES / f'{i}.jpg', source / _MASKS / f'{i}.png') for i in ids]
    check_exist([path for pair in pairs for path in pair], named_by)
    return pairs
