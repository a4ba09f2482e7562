"""Datasets, prepared by the command, and the files of a build."""

import pathlib

from ubernet_jax import prepare
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.reading import Dataset, open_dataset


def prepare_set(name: str, source: pathlib.Path, directory: pathlib.Path, *options: str) -> None:
    """Runs the command for a dataset."""
    prepare.main([name, '--source', str(source), '--directory', str(directory), *options])


def build(name: str, source: pathlib.Path, *options: str) -> dict[str, Dataset]:
    """Prepares a dataset beside its source; returns its splits, opened."""
    directory = source.parent / 'prepared'
    prepare_set(name, source, directory, *options)
    splits = make_builder(name, directory).split_metadata
    return {split: open_dataset(name, split, directory) for split in splits}


def remarks(name: str, source: pathlib.Path) -> str:
    """What the preparation said about the dataset."""
    return '\n'.join(make_builder(name, source.parent / 'prepared').describe_remarks())


def assert_whole_shards(folder: pathlib.Path) -> None:
    """Asserts that every file is a shard with a report beside it, or a report."""
    files = {path.name for path in folder.iterdir()}
    assert files
    shards = {name for name in files if not name.endswith('.json')}
    assert files == shards | {f'{name}.json' for name in shards}


def files_in(directory: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in directory.rglob('*') if path.is_file()]


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in files_in(directory)}
