"""The sample pictures of the page, of the kind that the network was trained on."""

import pathlib
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from PIL import Image
from skimage import data

from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.datasets.builders.synthetic import Synthetic

# The terms are those of the documentation of skimage.data, which has the photographs.
_PHOTOGRAPHS = (
    ('astronaut', data.astronaut, 'NASA, public domain'),
    ('cat', data.chelsea, 'Stefan van der Walt, CC0'),
    ('coffee', data.coffee, 'Rachel Michetti, CC0'),
)
_SEEDS = (1, 2, 3)


class Sample(NamedTuple):
    """A picture that visitors can choose.

    Attributes:
      path: its file.
      name: what it shows.
      credit: who made it, and its terms; empty for a drawn scene.
    """

    path: pathlib.Path
    name: str
    credit: str = ''


def write_samples(folder: pathlib.Path, datasets: Collection[str]) -> list[Sample]:
    """Writes the samples as PNG files.

    Args:
      folder: where to.
      datasets: names of the datasets that the network was trained on; drawn scenes are the samples
        if these were, too, and otherwise photographs.
    """
    if {*datasets} == {Synthetic.name}:
        return [
            Sample(_write(draw_scene(seed, 384, 512).image, folder / f'scene{seed}.png'),
                   f'scene {seed}')
            for seed in _SEEDS
        ]  # fmt: skip
    return [
        Sample(_write(load(), folder / f'{name}.png'), name, credit)
        for name, load, credit in _PHOTOGRAPHS
    ]


def _write(image: np.ndarray, path: pathlib.Path) -> pathlib.Path:
    Image.fromarray(image).save(path)
    return path
