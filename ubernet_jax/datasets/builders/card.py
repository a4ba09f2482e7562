"""What a user wants to know of a public dataset before downloading it, and to compare it with."""

import dataclasses
import types
from collections.abc import Mapping

NONE: Mapping = types.MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts of one dataset; a set without an official version has none.

    Attributes:
      tasks: what it labels.
      counts: split -> its official number of images; empty where only `labels` are known.
      labels: split -> task -> its official number of labelled images, where that is not all.
      home: the address of its page.
      licence: the terms of use, in a few words.
      citation: authors, venue, year.
      archives: the files to download; data/README.md shows where they belong.
      size: of the archives together, as they are downloaded.
    """

    tasks: tuple[str, ...] = ()
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    home: str = ''
    licence: str = ''
    citation: str = ''
    archives: tuple[str, ...] = ()
    size: str = ''

    def describe_official(self) -> str:
        """The official counts, such as `train 795, test 654`."""
        if self.counts:
            return describe_counts(self.counts)
        return '; '.join(f'{split}: {describe_counts(own)}' for split, own in self.labels.items())

    def compare(
        self, found: Mapping[str, int], labelled: Mapping[str, Mapping[str, int]] = NONE
    ) -> str:
        """Says so where images or labels are not as many as they officially are; else empty.

        Args:
          found: split -> number of images.
          labelled: split -> task -> number of labelled images.
        """
        whole = not self.counts or dict(found) == dict(self.counts)
        for split, tasks in self.labels.items():
            whole &= all(labelled.get(split, NONE).get(task) == n for task, n in tasks.items())
        if whole:
            return ''
        return (
            f'not the official set, which has {self.describe_official()}: '
            'scores on it cannot be compared with published ones'
        )


def describe_counts(counts: Mapping[str, int]) -> str:
    """Such as `train 795, test 654`."""
    return ', '.join(f'{name} {count}' for name, count in counts.items())


def describe_share(name: str, count: int, official: int | None) -> str:
    """Such as `train 795`, or `train 600 of 795` where the official count is another."""
    return f'{name} {count}' + (f' of {official}' if official not in (None, count) else '')
