"""Cards: the facts about public datasets, shown before the download and compared with a build."""

import dataclasses
import types
from collections.abc import Mapping

NONE: Mapping = types.MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts about a dataset; empty for a dataset without an official version.

    Attributes:
      tasks: the labelled tasks.
      counts: split -> official number of images; empty if only `labels` are known.
      labels: split -> task -> official number of labelled images, if not all are labelled.
      home: URL of the home page.
      licence: the terms of use, in a few words.
      citation: authors, venue, year.
      archives: the files to download; data/README.md shows where they belong.
      size: total download size of the archives.
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
        """Describes the official counts, such as `train 795, test 654`."""
        if self.counts:
            return describe_counts(self.counts)
        return '; '.join(
            f'{split}: {describe_counts(tasks)}' for split, tasks in self.labels.items()
        )

    def compare(
        self, images: Mapping[str, int], labelled: Mapping[str, Mapping[str, int]] = NONE
    ) -> str:
        """Describes how the numbers of images or labels differ from the official numbers.

        Args:
          images: split -> number of images.
          labelled: split -> task -> number of labelled images.

        Returns:
          A warning; empty if the numbers agree.
        """
        complete = not self.counts or dict(images) == dict(self.counts)
        for split, tasks in self.labels.items():
            complete &= all(labelled.get(split, NONE).get(task) == n for task, n in tasks.items())
        if complete:
            return ''
        return (
            f'not the official dataset, which has {self.describe_official()}: '
            'scores on it cannot be compared with published ones'
        )


def describe_counts(counts: Mapping[str, int]) -> str:
    """Formats counts, such as `train 795, test 654`."""
    return ', '.join(f'{name} {count}' for name, count in counts.items())


def describe_share(name: str, count: int, official: int | None) -> str:
    """Formats a count, such as `train 795`, or `train 600 of 795` if the official count differs."""
    return f'{name} {count}' + (f' of {official}' if official not in (None, count) else '')
