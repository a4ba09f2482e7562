"""How far the scores of a column are from the baseline's: relative changes and delta_m."""

import collections
import statistics
from typing import NamedTuple

from ubernet_jax.comparison.columns import Column, Comparison, Spread
from ubernet_jax.comparison.results import Benchmark
from ubernet_jax.comparison.runs import Run
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Score
from ubernet_jax.metrics.multitask import relative_change


class Changes(NamedTuple):
    """Of a column against the baseline, in percent; positive is better.

    Attributes:
      tasks: task -> change of its main score, of those that both have.
      delta_m: mean over these tasks.
      left_out: task -> why it has no change.
    """

    tasks: dict[str, Spread]
    delta_m: Spread
    left_out: dict[str, str]


class _NoChangeError(Exception):
    """A task has none; the message says why."""


def find_changes(comparison: Comparison, column: Column) -> Changes:
    """Compares a column with the baseline, which the comparison must have.

    Of a task with several benchmarks the mean over these counts, so that every task counts once.

    Raises:
      UserError: a run has no task that can be compared.
    """
    found, means, left_out = collections.defaultdict(list), [], {}
    for run in column.runs:
        changes, reasons = {}, {}
        for task in comparison.tasks():
            if task not in run.tasks and not comparison.baseline.has(task):
                continue
            try:
                changes[task] = _change_of_task(comparison, run, task)
            except _NoChangeError as reason:
                reasons[task] = str(reason)
        if not changes:
            raise UserError(
                f'{run.path} and the baseline have nothing to compare: {format_reasons(reasons)}. '
                'Give --baseline a run that was trained for one of its tasks'
            )
        for task, change in changes.items():
            found[task].append(change)
        means.append(statistics.fmean(changes.values()))
        left_out |= reasons
    return Changes(
        tasks={task: Spread.of(values) for task, values in found.items()},
        delta_m=Spread.of(means),
        left_out=left_out,
    )


def format_reasons(left_out: dict[str, str]) -> str:
    """Such as `depth (not in the baseline), parts (0 in the baseline)`."""
    return ', '.join(f'{task} ({reason})' for task, reason in left_out.items())


def _change_of_task(comparison: Comparison, run: Run, task: str) -> float:
    if task not in run.tasks:
        raise _NoChangeError('only in the baseline')
    if not comparison.baseline.has(task):
        raise _NoChangeError('not in the baseline')
    changes = [
        _change(comparison.baseline, run, benchmark, scored.main)
        for benchmark, scored in comparison.benchmarks.items()
        if benchmark.task == task and scored.main
    ]
    if not changes:
        raise _NoChangeError('without a main score')
    return statistics.fmean(changes)


def _change(baseline: Column, run: Run, benchmark: Benchmark, score: Score) -> float:
    ours, theirs = run.results[benchmark].value(score.name), baseline.score(benchmark, score.name)
    if ours is None or theirs is None:
        raise _NoChangeError(f'{score.label} on {benchmark.place} is undefined')
    if theirs.mean == 0:
        raise _NoChangeError(f'{score.label} on {benchmark.place} is 0 in the baseline')
    return relative_change(ours, theirs.mean, score.lower_is_better)
