"""Columns of scores that may be compared."""

import collections
import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ubernet_jax.comparison.fields import format_value
from ubernet_jax.comparison.results import Benchmark, Scored
from ubernet_jax.comparison.runs import Run
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.descriptions import describe_difference


class Spread(NamedTuple):
    """A number that one or more runs have.

    Attributes:
      mean: over the runs.
      deviation: their standard deviation (n - 1); None of a single run.
    """

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> 'Spread':
        """Of at least one value."""
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), deviation)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One or more runs under one name: seeds of a run, or the parts of a baseline."""

    name: str
    runs: Sequence[Run]

    def has(self, task: str) -> bool:
        """Whether one of its runs was trained for a task."""
        return any(task in run.tasks for run in self.runs)

    def score(self, benchmark: Benchmark, name: str) -> Spread | None:
        """A score, over the runs that have it; None if there is none."""
        results = (run.results[benchmark] for run in self.runs if benchmark in run.results)
        values = [value for one in results if (value := one.value(name)) is not None]
        return Spread.of(values) if values else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Columns that were all scored alike.

    Attributes:
      benchmarks: what is scored, with the protocol, number of images and descriptions of the
        scores; by the order of the tasks, then by name.
      columns: in the order given.
      baseline: what they are measured against.
    """

    benchmarks: Mapping[Benchmark, Scored]
    columns: Sequence[Column]
    baseline: Column | None

    def all_columns(self) -> list[Column]:
        """The baseline, if there is one, and the others."""
        return [*([self.baseline] if self.baseline else []), *self.columns]

    def all_runs(self) -> list[Run]:
        """Those of all columns."""
        return [run for column in self.all_columns() for run in column.runs]

    def tasks(self) -> list[str]:
        """Those that are scored, in order."""
        return list(dict.fromkeys(benchmark.task for benchmark in self.benchmarks))


def compare(runs: Sequence[Run], names: Sequence[str], baseline: Sequence[Run] = ()) -> Comparison:
    """Puts runs side by side; their tasks keep the order that the runs' configurations give them.

    Args:
      runs: at least one.
      names: of the runs; runs of the same name are seeds of one, and become one column.
      baseline: one run, or several, of which each has some of the tasks.

    Raises:
      UserError: scores of different protocols or images, a missing result, or runs of one name
        that are no seeds of one run.
    """
    groups = collections.defaultdict(list)
    for run, name in zip(runs, names, strict=True):
        groups[name].append(run)
    for name, group in groups.items():
        _require_seeds(name, group)
    everything = [*runs, *baseline]
    benchmarks = _require_same_protocols(everything)
    _require_complete(everything, benchmarks)
    tasks = [*(task for run in everything for task in run.tasks), *(one.task for one in benchmarks)]
    order = {task: number for number, task in enumerate(dict.fromkeys(tasks))}
    return Comparison(
        benchmarks=dict(sorted(benchmarks.items(), key=lambda one: (order[one[0].task], one[0]))),
        columns=[Column(name=name, runs=group) for name, group in groups.items()],
        baseline=Column(name='baseline', runs=baseline) if baseline else None,
    )


def _require_seeds(name: str, runs: Sequence[Run]) -> None:
    """Checks that runs differ in nothing but their seed, as far as their records tell."""
    first = runs[0]
    for number, run in enumerate(runs[1:], 1):
        for field in ('experiment', 'tasks', 'step'):
            ours, theirs = getattr(first, field), getattr(run, field)
            if ours != theirs:
                raise UserError(
                    f'--names calls {first.path} and {run.path} both {name!r}, as seeds of one run,'
                    f' but their {field} differs: {ours}, {theirs}. Give them different names'
                )
        if run.seed in {other.seed for other in runs[:number]}:
            raise UserError(
                f'--names calls two runs {name!r}, but {run.path} has the same seed {run.seed} as '
                'another: seeds must differ, or the names'
            )


def _require_same_protocols(runs: Iterable[Run]) -> dict[Benchmark, Scored]:
    """The first run's scores on each benchmark, after all others were compared with them."""
    first = {}
    for run in runs:
        for benchmark, scored in run.results.items():
            ours = first.setdefault(benchmark, scored)
            if differences := _differences(ours, scored):
                raise UserError(
                    f'{benchmark} was not scored alike in {ours.source} and {scored.source}: '
                    f'{"; ".join(differences)}. Evaluate both with the same version and options'
                )
    return first


def _differences(ours: Scored, theirs: Scored) -> list[str]:
    """Lines `FIELD: OURS, not THEIRS`."""
    first, second = ({'images': one.images, **one.protocol} for one in (ours, theirs))
    lines = [
        f'{field}: {format_value(first.get(field))}, not {format_value(second.get(field))}'
        for field in dict.fromkeys([*first, *second])
        if first.get(field) != second.get(field)
    ]
    named = {score.name: score for score in theirs.scores}
    for score in ours.scores:
        lines += describe_difference(score, named.get(score.name, score))
    return lines


def _require_complete(runs: Iterable[Run], benchmarks: Iterable[Benchmark]) -> None:
    for benchmark in benchmarks:
        for run in runs:
            if benchmark.task in run.tasks and benchmark not in run.results:
                raise UserError(
                    f'{run.path} has no scores of {benchmark} at step {run.step}, as others have: '
                    'run python -m ubernet_jax.evaluate on it, with that benchmark in its '
                    'evaluation.benchmarks, and without --tasks'
                )
