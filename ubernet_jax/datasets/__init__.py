"""Datasets: raw files -> prepared array records -> `Example`s."""

from ubernet_jax.datasets.reading import Dataset, open_dataset

__all__ = ['Dataset', 'open_dataset']
