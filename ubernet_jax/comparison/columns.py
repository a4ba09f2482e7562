"""Columns of comparable scores."""

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from ubernet_jax.comparison.fields import format_value
from ubernet_jax.comparison.results import Benchmark, BenchmarkScores
from ubernet_jax.comparison.runs import Run
from ubernet_jax.comparison.spread import Spread
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.descriptions import describe_difference


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One or more runs under the same name: seeds of a run, or the runs of a baseline."""

    name: str
    runs: Sequence[Run]

    @property
    def heading(self) -> str:
        """Name with the number of runs, if there are several."""
        count = len(self.runs)
        return self.name if count == 1 else f'{self.name} ({count} runs)'

    def with_seed(self, seed: int) -> 'Column':
        """Returns the column with only the runs of a seed; there may be none."""
        return dataclasses.replace(self, runs=[run for run in self.runs if run.seed == seed])

    def has_task(self, task: str) -> bool:
        """Returns whether any of the runs was trained for a task."""
        return any(task in run.tasks for run in self.runs)

    def has_benchmark(self, benchmark: Benchmark) -> bool:
        """Returns whether any of the runs was scored on a benchmark."""
        return any(benchmark in run.results for run in self.runs)

    def score(self, benchmark: Benchmark, name: str) -> Spread | None:
        """Returns a score over the runs that have it; None if no run has it."""
        results = (run.results[benchmark] for run in self.runs if benchmark in run.results)
        values = [value for scores in results if (value := scores.value(name)) is not None]
        return Spread.of(values) if values else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Columns that were all scored by the same protocols.

    Attributes:
      benchmarks: benchmark -> its protocol, number of images and descriptions of the scores;
        sorted by the order of the tasks, then by name.
      columns: the columns in the order given.
      baseline: the column that the others are compared with.
    """

    benchmarks: Mapping[Benchmark, BenchmarkScores]
    columns: Sequence[Column]
    baseline: Column | None

    def all_columns(self) -> list[Column]:
        """Returns the baseline, if there is one, and the other columns."""
        return [*([self.baseline] if self.baseline else []), *self.columns]

    def all_runs(self) -> list[Run]:
        """Returns the runs of all columns."""
        return [run for column in self.all_columns() for run in column.runs]

    def tasks(self) -> list[str]:
        """Returns the tasks that are scored, in order."""
        return list(dict.fromkeys(benchmark.task for benchmark in self.benchmarks))


def compare(runs: Sequence[Run], names: Sequence[str], baseline: Sequence[Run] = ()) -> Comparison:
    """Combines runs into a comparison. Tasks keep the order of the runs' configurations.

    Args:
      runs: at least one run.
      names: a name for each run; runs with the same name are seeds of one run and share a column.
      baseline: one run, or several that each have some of the tasks.

    Raises:
      UserError: scores have different protocols or images, a result is missing, or runs with the
        same name are not seeds of one run.
    """
    groups = collections.defaultdict(list)
    for run, name in zip(runs, names, strict=True):
        groups[name].append(run)
    for name, group in groups.items():
        _require_seeds(name, group)
    all_runs = [*runs, *baseline]
    benchmarks = _require_same_protocols(all_runs)
    # A benchmark that only the runs or only the baseline have has no change: see `find_changes`.
    for group in (runs, baseline):
        _require_complete(group)
    tasks = [task for run in all_runs for task in run.tasks]
    tasks += [benchmark.task for benchmark in benchmarks]
    order = {task: number for number, task in enumerate(dict.fromkeys(tasks))}
    ordered = sorted(benchmarks, key=lambda benchmark: (order[benchmark.task], benchmark))
    return Comparison(
        benchmarks={benchmark: benchmarks[benchmark] for benchmark in ordered},
        columns=[Column(name=name, runs=group) for name, group in groups.items()],
        baseline=Column(name='baseline', runs=baseline) if baseline else None,
    )


def _require_seeds(name: str, runs: Sequence[Run]) -> None:
    """Raises a UserError unless the runs with a name differ only in their seed."""
    first = runs[0]
    for number, run in enumerate(runs[1:], 1):
        for field in ('experiment', 'tasks', 'step'):
            expected, actual = getattr(first, field), getattr(run, field)
            if actual != expected:
                raise UserError(
                    f'--names gives {first.path} and {run.path} the same name {name!r}, as for '
                    f'seeds of one run, but their {field} differs: {expected}, {actual}. Give them '
                    'different names'
                )
        if run.seed in {earlier.seed for earlier in runs[:number]}:
            raise UserError(
                f'--names gives several runs the name {name!r}, as for seeds of one run, but the '
                f'seed {run.seed} of {run.path} is also that of another run. Give them different '
                'names'
            )


def _require_same_protocols(runs: Iterable[Run]) -> dict[Benchmark, BenchmarkScores]:
    """Returns the scores of the first run on each benchmark.

    Raises:
      UserError: another run was scored differently.
    """
    first_scores: dict[Benchmark, BenchmarkScores] = {}
    for run in runs:
        for benchmark, scores in run.results.items():
            first = first_scores.setdefault(benchmark, scores)
            if differences := _differences(first, scores):
                raise UserError(
                    f'{benchmark} was scored differently in {first.file} and {scores.file}: '
                    f'{"; ".join(differences)}. Evaluate both with the same version and options'
                )
    return first_scores


def _differences(first: BenchmarkScores, second: BenchmarkScores) -> list[str]:
    """Returns lines `FIELD: FIRST, not SECOND`."""
    ours, theirs = ({'images': scores.images, **scores.protocol} for scores in (first, second))
    lines = [
        f'{field}: {format_value(ours.get(field))}, not {format_value(theirs.get(field))}'
        for field in dict.fromkeys([*ours, *theirs])
        if ours.get(field) != theirs.get(field)
    ]
    scores_by_name = {score.name: score for score in second.scores}
    for score in first.scores:
        lines += describe_difference(score, scores_by_name.get(score.name, score))
    return lines


def _require_complete(runs: Sequence[Run]) -> None:
    """Raises a UserError if a run lacks a benchmark of its tasks that another of the runs has."""
    benchmarks = dict.fromkeys(benchmark for run in runs for benchmark in run.results)
    for benchmark in benchmarks:
        for run in runs:
            if benchmark.task in run.tasks and benchmark not in run.results:
                raise UserError(
                    f'{run.path} has no scores of {benchmark} at step {run.step}, but other runs '
                    'do: run ubernet evaluate on it, with that benchmark in its '
                    'evaluation.benchmarks, and without --tasks'
                )
