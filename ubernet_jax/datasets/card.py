"""What a user wants to know of a public dataset before downloading it, and to compare it with."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts of one dataset; a set without an official version has none.

    Attributes:
      tasks: what it labels.
      counts: split -> its official number of images.
      home: the address of its page.
      licence: the terms of use, in a few words.
      citation: authors, venue, year.
      archives: the files to download; data/README.md shows where they belong.
    """

    tasks: tuple[str, ...] = ()
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    home: str = ''
    licence: str = ''
    citation: str = ''
    archives: tuple[str, ...] = ()

    def compare(self, found: Mapping[str, int]) -> str:
        """Says so where the images found are not as many as they officially are; else empty.

        Args:
          found: split -> number of images.
        """
        if not self.counts or dict(found) == dict(self.counts):
            return ''
        return (
            f'not the official set, which has {describe_counts(self.counts)}: '
            'scores on it cannot be compared with published ones'
        )


def describe_counts(counts: Mapping[str, int]) -> str:
    """Such as `train 795, test 654`."""
    return ', '.join(f'{name} {count}' for name, count in counts.items())
