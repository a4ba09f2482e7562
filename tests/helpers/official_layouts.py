"""Reading datasets in their official layouts, without preparing them."""

import pathlib

from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.example import Example


def read_first(name: str, root: pathlib.Path, split: str = 'train') -> Example:
    """Reads the first image of a split, with its labels, as the builder of a dataset does."""
    builder = make_builder(name, root / 'prepared')
    example, _ = builder.read(builder.list_splits(builder.locate(root))[split][0])
    return example
