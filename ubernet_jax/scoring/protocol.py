"""What a row of `protocols` has: how a code base evaluates."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ubernet_jax.errors import UserError


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

    def settings_for(self, benchmark: str | None) -> dict[str, Any]:
        """Returns the parameters of our evaluator.

        Raises:
          UserError: they depend on the benchmark, and it is not named or not covered.
        """
        if self.by_benchmark and benchmark not in self.by_benchmark:
            raise UserError(
                f'--benchmark is {benchmark}: this protocol depends on the benchmark, allowed are '
                f'{", ".join(self.by_benchmark)}'
            )
        return {**self.settings, **self.by_benchmark.get(benchmark or '', {})}


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
