"""Synthetic scenes, generated from seeds and labelled for every task."""

import pathlib
from collections.abc import Mapping, Sequence

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.datasets.storage.records import encode_image
from ubernet_jax.example import Example
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif

SIDE = 161  # pixels, of the form 32k + 1
SEEDS = {'train': range(240), 'test': range(10_000, 10_040)}


class Synthetic(Builder):
    """Square scenes; training and test scenes have different seeds."""

    name = 'synthetic'
    labels = STANDARD
    card = Card(
        tasks=tuple(STANDARD),
        counts={split: len(seeds) for split, seeds in SEEDS.items()},
        licence='none needed: generated from seeds, no photographs',
    )

    def list_splits(self, source: pathlib.Path | None) -> Mapping[str, Sequence[int]]:
        return SEEDS

    def read(self, item: int, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        example = draw_scene(seed=item, height=SIDE, width=SIDE)
        return example, encode_image(example.image)
