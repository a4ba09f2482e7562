"""Columns of scores that may be compared, and how far each is from a baseline (delta_m)."""

import collections
import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ubernet_jax.comparison.runs import TASK_OF, Benchmark, Run, Scored
from ubernet_jax.config import serialization
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.multitask import HEADLINE, relative_change
from ubernet_jax.tasks import TASKS

MAIN_RESULT = {'detection': 'detection_voc07'}  # of the tasks with several, the paper's measure


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

    def score(self, benchmark: Benchmark, name: str) -> Spread | None:
        """A score, over the runs that trained its task; None if there is none."""
        results = (run.results.get(benchmark) for run in self._trained_on(benchmark))
        values = [one.scores[name] for one in results if one is not None and name in one.scores]
        return Spread.of(values) if values else None

    def _trained_on(self, benchmark: Benchmark) -> list[Run]:
        return [run for run in self.runs if TASK_OF[benchmark.result] in run.tasks]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Columns that were all scored alike.

    Attributes:
      benchmarks: what is scored, with the protocol, number of images and names of the scores.
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

    def changes(self, column: Column) -> dict[str, Spread]:
        """Task -> relative change against the baseline, percent, and `delta_m`, their mean."""
        if self.baseline is None:
            return {}
        found = collections.defaultdict(list)
        for run in column.runs:
            changes = self._changes_of_run(run)
            for task, change in (changes | {'delta_m': statistics.fmean(changes.values())}).items():
                found[task].append(change)
        return {task: Spread.of(values) for task, values in found.items()}

    def _changes_of_run(self, run: Run) -> dict[str, float]:
        """Of a task with several benchmarks the mean over these, so that every task counts once."""
        found = collections.defaultdict(list)
        for benchmark in run.results:
            task, name = TASK_OF[benchmark.result], main_score(benchmark)
            if name is None or task not in run.tasks:
                continue
            ours = run.results[benchmark].scores.get(name)
            reference = self.baseline.score(benchmark, name)
            if ours is None or reference is None or not reference.mean:
                raise UserError(
                    f'no relative change of {name} of {benchmark} exists: {run.path} has {ours}, '
                    f'the baseline {reference and reference.mean}. Give --baseline a run that was '
                    f'trained for {task}'
                )
            found[task].append(relative_change(name, ours, reference.mean))
        if not found:
            raise UserError(f'{run.path} has no score that enters delta_m')
        return {task: statistics.fmean(found[task]) for task in TASKS if task in found}


def main_score(benchmark: Benchmark) -> str | None:
    """The score that enters delta_m; None for a result that does not."""
    task = TASK_OF[benchmark.result]
    return HEADLINE[task] if benchmark.result == MAIN_RESULT.get(task, task) else None


def table_order(benchmark: Benchmark) -> tuple[int, Benchmark]:
    """Sorts benchmarks by the table of tasks, then by name."""
    return list(TASK_OF).index(benchmark.result), benchmark


def compare(runs: Sequence[Run], names: Sequence[str], baseline: Sequence[Run] = ()) -> Comparison:
    """Puts runs side by side.

    Args:
      runs: at least one.
      names: of the runs; runs of the same name are seeds of one, and become one column.
      baseline: one run, or several that have each task at least once.

    Raises:
      UserError: scores of different protocols or images, a missing result, or runs of one name
        that are no seeds of one run.
    """
    groups = collections.defaultdict(list)
    for run, name in zip(runs, names, strict=True):
        groups[name].append(run)
    for name, group in groups.items():
        _require_seeds(name, group)
    everything = [*baseline, *runs]
    benchmarks = _require_same_protocols(everything)
    _require_complete(everything, benchmarks)
    return Comparison(
        benchmarks=benchmarks,
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
            differences = serialization.differences(
                {'images': ours.images, **ours.protocol},
                {'images': scored.images, **scored.protocol},
            )
            if differences:
                raise UserError(
                    f'{benchmark} was not scored alike in {ours.source} and {scored.source}: '
                    f'{"; ".join(differences)}. Evaluate both with the same version and options'
                )
    return {benchmark: first[benchmark] for benchmark in sorted(first, key=table_order)}


def _require_complete(runs: Iterable[Run], benchmarks: Iterable[Benchmark]) -> None:
    for benchmark in benchmarks:
        for run in runs:
            if TASK_OF[benchmark.result] in run.tasks and benchmark not in run.results:
                raise UserError(
                    f'{run.path} has no scores of {benchmark} at step {run.step}, as others have: '
                    'run python -m ubernet_jax.evaluate on it, with that benchmark in its '
                    'evaluation.benchmarks, and without --tasks'
                )
