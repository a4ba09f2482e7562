"""What an epoch shows of every dataset: images, labels, samples."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ubernet_jax.tasks.teaching import taught_name
from ubernet_jax.training.training_sets import TrainingSet


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPlan:
    """The share of a dataset in an epoch.

    Attributes:
      source: dataset and split, such as `voc2012:train`.
      images: number of images, without those that are left out.
      repeat: how often an epoch shows each image.
      rotations: number of angles by which images are rotated.
      labelled: task -> number of images that are shown with a real label for it.
      taught: task -> number of images that are shown with a taught label for it.
      partial: which labels were hidden, in words.
    """

    source: str
    images: int
    repeat: int
    rotations: int
    labelled: Mapping[str, int]
    taught: Mapping[str, int]
    partial: str = ''

    @property
    def samples(self) -> int:
        """How many images of the dataset an epoch shows."""
        return self.images * self.repeat


def plan_epoch(sets: Sequence[TrainingSet]) -> list[DatasetPlan]:
    """Counts the images and labels of every training set."""
    return [_plan_dataset(part, np.arange(len(part.dataset))) for part in sets]


def _plan_dataset(part: TrainingSet, images: np.ndarray) -> DatasetPlan:
    return DatasetPlan(
        source=part.dataset.source,
        images=len(part.dataset),
        repeat=part.repeat,
        rotations=part.rotations,
        labelled={task: part.count_samples(task, images) for task in part.labels},
        taught={task: part.count_taught(task, images) for task in part.taught},
        partial=part.partial,
    )


def describe_epoch(plans: Sequence[DatasetPlan]) -> list[str]:
    """A line for each dataset."""
    width = max(len(plan.source) for plan in plans)
    return [
        f'{plan.source:<{width}} {plan.images:>6} images x {plan.repeat:>2} ={plan.samples:>6} '
        f'samples{f", {plan.rotations} rotations" if plan.rotations > 1 else ""}'
        f'{plan.partial and f", {plan.partial}"}; labelled: '
        + (', '.join(f'{name} {count}' for name, count in _count_labels(plan).items()) or 'none')
        for plan in plans
    ]


def _count_labels(plan: DatasetPlan) -> dict[str, int]:
    taught = {taught_name(task): count for task, count in plan.taught.items()}
    return {**plan.labelled, **taught}
