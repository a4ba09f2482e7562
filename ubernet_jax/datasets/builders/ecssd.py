"""ECSSD: 1,000 photographs of complex scenes with salient objects (Yan et al., CVPR 2013)."""

import pathlib

from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.masked_photographs import MaskedPhotographs, list_pairs


class Ecssd(MaskedPhotographs):
    """Reads `images/ID.jpg` and `ground_truth_mask/ID.png`, as downloaded; all are for testing."""

    name = 'ecssd'
    folders = ('', 'ECSSD')
    marker = 'ground_truth_mask'
    card = Card(
        tasks=('saliency',),
        counts={'test': 1000},
        home='https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/dataset.html',
        licence='research',
        citation='Yan et al., Hierarchical Saliency Detection, CVPR 2013',
        archives=('images.zip', 'ground_truth_mask.zip'),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        folders = source / 'images', source / 'ground_truth_mask'
        return {'test': list_pairs(*folders, self.left_out['test'])}
