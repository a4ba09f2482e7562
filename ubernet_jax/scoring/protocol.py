"""What a row of `protocols` has: how a code base evaluates."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How a code base scores a task.

    Attributes:
      source: the files that were read, in the repository of the protocol or in another one.
      scores: fields of our result that the source reports too.
      settings: parameters of our evaluator.
      by_benchmark: benchmark -> further parameters; if there are any, the benchmark must be named.
      classes: benchmark -> number of classes.
      note: differences that the parameters do not cover.
    """

    source: str
    scores: tuple[str, ...]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    by_benchmark: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    classes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    note: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a code base evaluates.

    Attributes:
      repository: on github.com.
      images: benchmark -> number of test images.
      size: the size at which predictions are compared; the files must have it.
      rows: task -> how it is scored; other tasks are not scored.
    """

    repository: str
    images: Mapping[str, int]
    size: str
    rows: Mapping[str, Row]
