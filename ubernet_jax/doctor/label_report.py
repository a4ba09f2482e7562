"""Inspecting the pixels of a prepared split: whether images and labels fit each other."""

import dataclasses
from collections.abc import Iterable, Mapping

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels.kind import Survey, add_surveys


@dataclasses.dataclass(slots=True, kw_only=True)
class LabelReport:
    """One label in one split.

    Attributes:
      images: that have it.
      read: images of those whose label was looked at.
      void: share of the pixels or boxes looked at that count for nothing; None where all count.
      values: the values found, such as `0-20`; empty if there is nothing to say.
    """

    images: int
    read: int = 0
    void: float | None = None
    values: str = ''


def inspect_labels(
    dataset: Dataset, indices: Iterable[int], reports: Mapping[str, LabelReport]
) -> list[str]:
    """Reads images of a split into the reports of its labels; returns what is wrong with them.

    Args:
      dataset: the split.
      indices: which images to read.
      reports: by label.
    """
    errors = []
    surveys: dict[str, Survey] = {}
    for index in indices:
        try:
            example = dataset[index]
        except UserError as error:
            errors.append(str(error))
            continue
        where = f'{dataset.source}, image {example.id}'
        own = _find_errors(example, tuple(dataset.sizes[index].tolist()))
        errors += [f'{where}: {error}; prepare the set again' for error in own]
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
        errors.append(f'the image has the shape {example.image.shape}, not {(*size, 3)}')
    for name, label in example.labels.items():
        errors += [f'{name} {error}' for error in example.kinds[name].check(label, size)]
    return errors
