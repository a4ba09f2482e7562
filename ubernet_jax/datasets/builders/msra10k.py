"""MSRA-10K: masks of the salient object in 10,000 photographs (Cheng et al., TPAMI 2015)."""

import pathlib

from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.masked_photographs import MaskedPhotographs, list_pairs


class Msra10k(MaskedPhotographs):
    """Reads `Imgs/ID.jpg` and `Imgs/ID.png`, as downloaded; all are for training."""

    name = 'msra10k'
    folders = ('', 'MSRA10K_Imgs_GT', 'MSRA10K')
    marker = 'Imgs'
    card = Card(
        tasks=('saliency',),
        counts={'train': 10_000},
        home='https://mmcheng.net/msra10k/',
        licence='research',
        citation='Cheng et al., Global Contrast based Salient Region Detection, TPAMI 2015',
        archives=('MSRA10K_Imgs_GT.zip',),
        size='195 MB',
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        return {'train': list_pairs(source / 'Imgs', source / 'Imgs', self.left_out['train'])}
