"""What is known about a finished shard without reading it."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.review import Survey, add_surveys


@dataclasses.dataclass(slots=True, kw_only=True)
class ShardReport:
    """The content of a finished shard.

    Attributes:
      source: see `shards.Shard`.
      split: see `shards.Shard`.
      bytes: size of the file.
      ids: id of each image.
      sizes: height and width of each image.
      labelled: label -> a string with '1' or '0' per image, whether the image has that label.
      counts: label -> number of objects in each image, see `LabelKind.count`; 0 for kinds without
        objects.
      surveys: label -> counts of its values: `LabelKind.survey`.
    """

    source: str
    split: str
    bytes: int = 0
    ids: list[str] = dataclasses.field(default_factory=list)
    sizes: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    labelled: dict[str, str] = dataclasses.field(default_factory=dict)
    counts: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    surveys: dict[str, Survey] = dataclasses.field(default_factory=dict)

    def add(self, example: Example, kinds: Mapping[str, LabelKind]) -> None:
        """Adds an image; `kinds` are the kinds of all labels of the dataset."""
        self.ids.append(example.id)
        height, width = example.image.shape[:2]
        self.sizes.append((height, width))
        for name, kind in kinds.items():
            present = name in example.labels
            self.labelled[name] = self.labelled.get(name, '') + ('1' if present else '0')
            count = kind.count(example.labels[name]) if present else None
            self.counts.setdefault(name, []).append(count or 0)
            if present:
                survey = kind.survey(example.labels[name])
                before = self.surveys.get(name)
                self.surveys[name] = add_surveys(before, survey) if before else survey


def merge_reports(reports: Sequence[ShardReport]) -> dict[str, Any]:
    """Merges the fields of the reports on the shards of one split, in the order of the images."""
    merged: dict[str, Any] = {
        field: [entry for report in reports for entry in getattr(report, field)]
        for field in ('ids', 'sizes')
    }
    names = list(reports[0].labelled)
    surveys = {}
    for name in names:
        parts = [report.surveys[name] for report in reports if name in report.surveys]
        if parts:
            surveys[name] = functools.reduce(add_surveys, parts)
    return merged | {
        'labelled': {name: ''.join(report.labelled[name] for report in reports) for name in names},
        'counts': {name: sum((report.counts[name] for report in reports), []) for name in names},
        'surveys': surveys,
    }
