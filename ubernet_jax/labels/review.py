"""Checks of the values of a whole dataset's labels: surveys are counted per label and added up,
and a `Review` describes the sum.
"""

import dataclasses

Survey = dict[str, list[int]]  # counts over some labels; the surveys of two sets of labels add up


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the values of all labels with the same name in a dataset show.

    Attributes:
      errors: values that must be wrong, each with what to do about it.
      notes: values that are unusual.
      void: share of the pixels or boxes that are ignored; None where none can be ignored.
      values: the range of the values that occur; empty if there is nothing to report.
    """

    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    void: float | None = None
    values: str = ''


def add_surveys(first: Survey, second: Survey) -> Survey:
    """Returns the survey of two sets of labels together."""
    return {
        name: [a + b for a, b in zip(counts, second[name], strict=True)]
        for name, counts in first.items()
    }
