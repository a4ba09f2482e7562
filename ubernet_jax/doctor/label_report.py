"""Inspects the pixels of a prepared split: checks that images and labels are consistent."""

import dataclasses
from collections.abc import Iterable, Mapping

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels.review import Survey, add_surveys


@dataclasses.dataclass(slots=True, kw_only=True)
class LabelReport:
    """A label in a split.

    Attributes:
      images: number of images with the label.
      read: number of images whose label was inspected.
      void: fraction of the inspected pixels or boxes that are ignored; None if none can be ignored.
      values: the range of the values, such as `0-20`; empty if there is nothing to report.
    """

    images: int
    read: int = 0
    void: float | None = None
    values: str = ''


def inspect_labels(
    dataset: Dataset, indices: Iterable[int], reports: Mapping[str, LabelReport]
) -> list[str]:
    """Reads images of a split and updates the reports of its labels.

    Args:
      dataset: the split.
      indices: the images to read.
      reports: label -> report, which is updated.

    Returns:
      The errors of the images.
    """
    errors = []
    surveys: dict[str, Survey] = {}
    for index in indices:
        try:
            example = dataset[index]
        except UserError as error:
            errors.append(str(error))
            continue
        height, width = dataset.sizes[index].tolist()
        errors += [
            f'{dataset.source}, image {example.id}: {error}; prepare the dataset again'
            for error in _find_errors(example, (height, width))
        ]
        for name, label in example.labels.items():
            reports[name].read += 1
            survey = dataset.labels[name].survey(label)
            surveys[name] = add_surveys(surveys[name], survey) if name in surveys else survey
    for name, total in surveys.items():
        review = dataset.labels[name].review(total)
        reports[name].void, reports[name].values = review.void, review.values
    return errors


def _find_errors(example: Example, size: tuple[int, int]) -> list[str]:
    errors = []
    if example.image.shape != (*size, 3):
        errors.append(f'the image has shape {example.image.shape}, not {(*size, 3)}')
    for name, label in example.labels.items():
        errors += [f'{name} {error}' for error in example.kinds[name].check(label, size)]
    return errors
