"""Changes of a column's scores relative to the baseline, and delta_m."""

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
    """Changes of a column relative to the baseline, in percent; positive is better.

    Attributes:
      tasks: task -> change of its main score, for tasks that the column and the baseline have.
      delta_m: mean over these tasks.
      left_out: task, or one of several benchmarks of a task -> reason why it has no change.
    """

    tasks: dict[str, Spread]
    delta_m: Spread
    left_out: dict[str, str]


class _NoChangeError(Exception):
    """The change of a task is undefined; the message is the reason."""


def find_changes(comparison: Comparison, column: Column) -> Changes:
    """Compares a column with the baseline. The comparison must have a baseline.

    The change of a task with several benchmarks is their mean, so that every task counts once.

    Raises:
      UserError: a run has no task that can be compared.
    """
    assert comparison.baseline is not None
    changes_of_runs, means, left_out = collections.defaultdict(list), [], {}
    for run in column.runs:
        changes, reasons = {}, {}
        for task in comparison.tasks():
            if task not in run.tasks and not comparison.baseline.has_task(task):
                continue
            try:
                changes[task], skipped = _task_change(comparison, comparison.baseline, run, task)
                reasons |= skipped
            except _NoChangeError as reason:
                reasons[task] = str(reason)
        if not changes:
            raise UserError(
                f'{run.path} and the baseline have no task to compare: {format_reasons(reasons)}. '
                'Add a run to --baseline that was trained for one of its tasks and evaluated on '
                'the same benchmark'
            )
        for task, change in changes.items():
            changes_of_runs[task].append(change)
        means.append(statistics.fmean(changes.values()))
        left_out |= reasons
    return Changes(
        tasks={task: Spread.of(changes) for task, changes in changes_of_runs.items()},
        delta_m=Spread.of(means),
        left_out=left_out,
    )


def format_reasons(left_out: dict[str, str]) -> str:
    """Formats reasons, such as `depth (not in the baseline), parts (0 in the baseline)`."""
    return ', '.join(f'{task} ({reason})' for task, reason in left_out.items())


def _task_change(
    comparison: Comparison, baseline: Column, run: Run, task: str
) -> tuple[float, dict[str, str]]:
    """The mean change over the task's benchmarks; benchmarks left out -> reason."""
    if task not in run.tasks:
        raise _NoChangeError('only in the baseline')
    if not baseline.has_task(task):
        raise _NoChangeError('not in the baseline')
    scored = {
        benchmark: scores.main
        for benchmark, scores in comparison.benchmarks.items()
        if benchmark.task == task and scores.main
    }
    if not scored:
        raise _NoChangeError('without a main score')
    changes, skipped = [], {}
    for benchmark, score in scored.items():
        if benchmark not in run.results:
            skipped[str(benchmark)] = 'evaluated in the baseline only'
        elif not baseline.has_benchmark(benchmark):
            skipped[str(benchmark)] = 'not evaluated in the baseline'
        else:
            changes.append(_benchmark_change(baseline, run, benchmark, score))
    if not changes:
        raise _NoChangeError(' or '.join(dict.fromkeys(skipped.values())))
    return statistics.fmean(changes), skipped


def _benchmark_change(baseline: Column, run: Run, benchmark: Benchmark, score: Score) -> float:
    value = run.results[benchmark].value(score.name)
    baseline_value = baseline.score(benchmark, score.name)
    if value is None or baseline_value is None:
        raise _NoChangeError(f'{score.label} on {benchmark.source} is undefined')
    if baseline_value.mean == 0:
        raise _NoChangeError(f'{score.label} on {benchmark.source} is 0 in the baseline')
    return relative_change(value, baseline_value.mean, score.lower_is_better)
