"""The metadata of the splits of a prepared dataset: what is known without reading its records.

The metadata of a split are the fields that `merge_reports` returns, `labels` (name -> kind as
JSON), `storage` (the fields of `Storage`), `left_out` (`LeftOutBySplit.describe`) and `remarks`
(`Builder.remarks`).
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from ubernet_jax.datasets.builders.card import Card, describe_share
from ubernet_jax.errors import UserError
from ubernet_jax.labels import LabelKind, Review
from ubernet_jax.labels.review import Survey, add_surveys


def count_images(splits: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Maps each split to its number of images, given the metadata of the splits."""
    return {split: len(metadata['ids']) for split, metadata in splits.items()}


def count_labels(metadata: Mapping[str, Any]) -> dict[str, int]:
    """Maps each label to the number of images of a split that have it."""
    return {name: flags.count('1') for name, flags in metadata['labelled'].items()}


def describe_splits(splits: Mapping[str, Mapping[str, Any]], card: Card) -> str:
    """Describes the numbers of images and labels of each split, with the official numbers."""
    return ', '.join(
        f'{describe_share(split, len(metadata["ids"]), card.counts.get(split))} images '
        f'({_describe_labels(count_labels(metadata), card.labels.get(split, {}))})'
        for split, metadata in splits.items()
    )


def _describe_labels(labelled: Mapping[str, int], official: Mapping[str, int]) -> str:
    present = {name: count for name, count in labelled.items() if count}
    counts = (describe_share(name, n, official.get(name)) for name, n in present.items())
    return ', '.join(counts) or 'no labels'


def review_labels(
    kinds: Mapping[str, LabelKind], splits: Mapping[str, Mapping[str, Any]]
) -> dict[str, Review]:
    """Reviews the values of each label over all splits; notes what is odd about a single split.

    Args:
      kinds: kinds of the labels by name.
      splits: split name -> metadata.
    """
    surveys: dict[str, dict[str, Survey]] = {}
    for split, metadata in splits.items():
        for name, survey in metadata['surveys'].items():
            surveys.setdefault(name, {})[split] = survey
    return {name: _review(kinds[name], of_splits) for name, of_splits in surveys.items()}


def _review(kind: LabelKind, surveys: Mapping[str, Survey]) -> Review:
    total = kind.review(functools.reduce(add_surveys, surveys.values()))
    notes = []
    for split, survey in surveys.items():
        review = kind.review(survey)
        # A few images may look wrong by chance: what all splits share is an error.
        notes += [f'{split}: {error}' for error in review.errors if not total.errors]
        if review.void == 1:
            notes.append(f'{split}: everything is marked as unknown, so that nothing is labelled')
    return dataclasses.replace(total, notes=(*total.notes, *notes))


def refuse_errors(dataset_name: str, reviews: Mapping[str, Review]) -> None:
    """Raises a UserError if a review found errors."""
    errors = [f'{name}: {error}' for name, review in reviews.items() for error in review.errors]
    if errors:
        raise UserError(f'{dataset_name} has labels that must be wrong:\n  ' + '\n  '.join(errors))
