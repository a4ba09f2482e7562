"""Partial labels: training images that keep only some of their labels (`PartialConfig`)."""

import pathlib
from collections.abc import Collection

import numpy as np

from ubernet_jax.config import Keep, PartialConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError, name_some
from ubernet_jax.training.label_lists import read_label_list


def keep_part(dataset: Dataset, partial: PartialConfig, used: Collection[str]) -> Dataset:
    """Hides labels of a dataset, and leaves out the images that keep none that is in use.

    Args:
      dataset: a split.
      partial: which labels are kept; not all.
      used: the labels that a task is trained on.

    Raises:
      UserError: the list cannot be read, or does not fit the dataset.
    """
    if partial.keep is Keep.LISTED:
        kept = _find_listed(dataset, partial)
    else:
        kept = _draw(dataset, partial, sorted({*partial.drawn_from} or {*used}))
    dataset = dataset.keep_labels(kept)
    return dataset.take(np.any([dataset.labelled[name] for name in used], axis=0))


def describe_part(partial: PartialConfig) -> str:
    """Describes which labels are kept, for the plan of an epoch; empty if all are."""
    match partial.keep:
        case Keep.ALL:
            return ''
        case Keep.LISTED:
            return f'labels of {partial.file}'
        case Keep.ONE:
            return f'one label of an image (seed {partial.seed})'
        case Keep.RANDOM:
            return f'a random part of the labels of an image (seed {partial.seed})'


def _draw(
    dataset: Dataset, partial: PartialConfig, names: Collection[str]
) -> dict[str, np.ndarray]:
    """Draws labels for each image among those that it has: label -> bool (n,)."""
    kept = {name: np.zeros(len(dataset), bool) for name in names if name in dataset.labels}
    if not kept:
        raise UserError(
            f'partial.drawn_from names {", ".join(names)}, of which {dataset.source} has none; '
            f'its labels are {", ".join(dataset.labels)}'
        )
    for index, image in enumerate(dataset.ids):
        present = [name for name in kept if dataset.labelled[name][index]]
        if not present:
            continue
        rng = np.random.default_rng([partial.seed, *image.encode()])
        count = 1 if partial.keep is Keep.ONE else rng.integers(1, len(present) + 1)
        for name in rng.permutation(present)[:count]:
            kept[name][index] = True
    return kept


def _find_listed(dataset: Dataset, partial: PartialConfig) -> dict[str, np.ndarray]:
    """Finds the listed labels of each image: label -> bool (n,)."""
    listed = read_label_list(pathlib.Path(partial.file))
    missing = [image for image in dataset.ids if image not in listed]
    unknown = sorted(set().union(*listed.values()) - set(dataset.labels))
    if missing or unknown:
        problem = (
            f'names the labels {", ".join(unknown)}; the labels are {", ".join(dataset.labels)}'
            if unknown
            else f'does not name {len(missing)} of its images: {name_some(missing)}'
        )
        raise UserError(
            f'{partial.file} is not a list of {dataset.source}: it {problem}. Give the list that '
            'was published for this split'
        )
    return {
        name: np.array([name in listed[image] for image in dataset.ids]) for name in dataset.labels
    }
