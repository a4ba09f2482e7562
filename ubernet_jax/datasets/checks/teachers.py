"""Teachers, whose predictions are labels: what they were trained on must not be tested on."""

from collections.abc import Sequence

import numpy as np

from ubernet_jax.config import Config
from ubernet_jax.datasets.checks.leaks import (
    describe_leaks,
    find_leaks,
    open_datasets,
    resolve_leaks,
)
from ubernet_jax.datasets.label_mapping import open_taught_labels
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.taught_labels import TaughtLabels, TrainingImages
from ubernet_jax.errors import UserError, name_some


def find_training_images(
    config: Config, lists: Sequence[Sequence[str]] | None
) -> list[TrainingImages]:
    """Finds the images that a network, and the teachers of its labels, were trained on.

    Args:
      config: of the network.
      lists: ids of the images of each training set; None if they are not known: then those that
        its configuration selects.

    Raises:
      UserError: a training set is not prepared, or lacks an image, so that the images cannot be
        compared with test images.
    """
    datasets = open_datasets('data.train of the teacher', config.data.train, config.data.directory)
    if lists is None:
        benchmarks = open_datasets(
            'evaluation.benchmarks of the teacher',
            config.evaluation.benchmarks,
            config.data.directory,
        )
        datasets = resolve_leaks(datasets, config.data.leaks, benchmarks)
    else:
        datasets = [_take(*pair) for pair in zip(datasets, lists, strict=True)]
    images = [
        TrainingImages(
            name=dataset.name,
            split=dataset.split,
            collection=dataset.collection,
            ids=dataset.ids,
            fingerprints=dataset.fingerprints,
        )
        for dataset in datasets
    ]
    for dataset, setting in zip(datasets, config.data.train, strict=True):
        for labels in open_taught_labels(dataset, setting, config.tasks).values():
            images += labels.trained_on
    return images


def refuse_leaking_teachers(taught: Sequence[TaughtLabels], benchmarks: Sequence[Dataset]) -> None:
    """Raises a UserError if a teacher of these labels was trained on a test image."""
    for labels in taught:
        refuse_leaking_teacher(
            f'the teacher of the labels in {labels.folder} ({labels.teacher["checkpoint"]}, '
            f'network {labels.teacher["network"]})',
            labels.trained_on,
            benchmarks,
            'leave these labels out of `taught` in data.train',
        )


def refuse_leaking_teacher(
    teacher: str, trained_on: Sequence[TrainingImages], benchmarks: Sequence[Dataset], remedy: str
) -> None:
    """Raises a UserError if a teacher was trained on a test image.

    Args:
      teacher: describes it.
      trained_on: images that it, and its teachers, were trained on.
      benchmarks: the test images.
      remedy: how to do without it.
    """
    if leaks := find_leaks(trained_on, benchmarks):
        lines = '\n  '.join(describe_leaks(leaks))
        raise UserError(
            f'{teacher} was trained on images that the configuration tests on:\n  {lines}\n'
            f'Teach with a network that was trained without them, or {remedy}, or use it anyway '
            'with --config.data.leaks=allow'
        )


def _take(dataset: Dataset, ids: Sequence[str]) -> Dataset:
    """Returns the images with these ids; raises a UserError if one is missing."""
    if missing := set(ids) - set(dataset.ids):
        raise UserError(
            f'the teacher was trained on images that {dataset.source} in {dataset.directory} does '
            f'not have ({name_some(sorted(missing))}), so that they cannot be compared with test '
            'images: give the --data-directory of its training'
        )
    return dataset.take(np.isin(np.array(dataset.ids, object), list(ids)))
