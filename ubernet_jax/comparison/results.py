"""What `evaluate` wrote on each benchmark: scores that describe themselves."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ubernet_jax.comparison.fields import check_fields
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.metrics.descriptions import find_main, read_scores
from ubernet_jax.metrics.metric import MetricError, Score


class Benchmark(NamedTuple):
    """What is scored: a result of a task (detection has several) on a split of a dataset."""

    task: str
    result: str
    dataset: str
    split: str

    @property
    def place(self) -> str:
        """DATASET:SPLIT."""
        return f'{self.dataset}:{self.split}'

    def __str__(self) -> str:
        return f'{self.result} on {self.place}'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Scores on one benchmark.

    Attributes:
      images: how many were scored.
      scores: those that tables show, in their order; None is one that is undefined.
      protocol: what was computed, exactly.
      source: the file they were read from.
    """

    images: int
    scores: Mapping[Score, float | None]
    protocol: Mapping[str, Any]
    source: pathlib.Path

    @property
    def main(self) -> Score | None:
        """The score that enters delta_m; None of a result that does not."""
        return find_main(self.scores)

    def value(self, name: str) -> float | None:
        """Of the score of that name; None if it is absent or undefined."""
        return next((value for score, value in self.scores.items() if score.name == name), None)


def read_results(folder: pathlib.Path) -> dict[Benchmark, Scored]:
    """What `evaluate` wrote to one folder.

    Raises:
      UserError: a file is none of its results.
    """
    return dict(
        result_from_json(read_json(file), file, f'{file} is not a result of evaluate')
        for file in sorted(folder.glob('*.json'))
    )


def result_from_json(plain: Any, file: pathlib.Path, what: str) -> tuple[Benchmark, Scored]:
    """A result, as `evaluate` and `result_to_json` write it.

    Args:
      plain: the JSON.
      file: that has it.
      what: begins the errors.

    Raises:
      UserError: it is not a result, or one that does not describe its scores.
    """
    check_fields(plain, {'dataset': str, 'split': str, 'images': int, 'protocol': dict}, what)
    try:
        scores = read_scores(plain, str(file))
    except MetricError as error:
        raise UserError(str(error)) from error
    check_fields(plain, {'task': str, 'result': str}, what)
    benchmark = Benchmark(*(plain[field] for field in Benchmark._fields))
    facts = {'images': plain['images'], 'protocol': plain['protocol']}
    return benchmark, Scored(scores=scores, source=file, **facts)


def result_to_json(benchmark: Benchmark, scored: Scored) -> dict[str, Any]:
    """A result as plain types; scores to five digits behind the point."""
    return {
        **benchmark._asdict(),
        'images': scored.images,
        'scores': [
            {**dataclasses.asdict(score), 'value': None if value is None else round(value, 5)}
            for score, value in scored.scores.items()
        ],
        'protocol': scored.protocol,
    }
