"""Changes of a column's scores relative to the baseline, and delta_m."""

import statistics
from typing import NamedTuple

from ubernet_jax.comparison.columns import Column, Comparison
from ubernet_jax.comparison.results import Benchmark
from ubernet_jax.comparison.runs import Run
from ubernet_jax.comparison.spread import Spread
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Score
from ubernet_jax.metrics.multitask import relative_change


class Changes(NamedTuple):
    """Changes of a column relative to the baseline, in percent; positive is better.

    Seeds are paired if the column has several, and the baseline has runs of each of them for every
    benchmark that is compared. The changes, and so their confidence intervals, then vary with the
    seeds of both networks. Otherwise every seed is compared with the mean of the baseline, and the
    intervals leave out how far the runs of the baseline are apart.

    Attributes:
      tasks: task -> change of its main score, for tasks that the column and the baseline have.
      delta_m: mean over these tasks.
      left_out: task, or one of several benchmarks of a task -> reason why it has no change.
      seeds_paired: whether each run was compared with the baseline of its seed.
    """

    tasks: dict[str, Spread]
    delta_m: Spread
    left_out: dict[str, str]
    seeds_paired: bool


class _NoChangeError(Exception):
    """The change of a task is undefined; the message is the reason."""


def find_changes(comparison: Comparison, column: Column) -> Changes:
    """Compares a column with the baseline. The comparison must have a baseline.

    The change of a task with several benchmarks is their mean, so that every task counts once. A
    task that has no change for one of the seeds is left out for all.

    Raises:
      UserError: the column has no task that can be compared.
    """
    baseline = comparison.baseline
    assert baseline is not None
    seeds_paired = _can_pair_seeds(comparison, baseline, column)
    pairs = [
        (run, baseline.with_seed(run.seed) if seeds_paired else baseline) for run in column.runs
    ]
    changes: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    for task in comparison.tasks():
        if not column.has_task(task) and not baseline.has_task(task):
            continue
        try:
            benchmarks, skipped = _comparable_benchmarks(comparison, baseline, column, task)
            changes[task] = [
                statistics.fmean(
                    _benchmark_change(reference, run, benchmark, score)
                    for benchmark, score in benchmarks.items()
                )
                for run, reference in pairs
            ]
            left_out |= skipped
        except _NoChangeError as reason:
            left_out[task] = str(reason)
    if not changes:
        raise UserError(
            f'{column.runs[0].path} and the baseline have no task to compare: '
            f'{format_reasons(left_out)}. Add a run to --baseline that was trained for one of its '
            'tasks and evaluated on the same benchmark'
        )
    return Changes(
        tasks={task: Spread.of(values) for task, values in changes.items()},
        delta_m=Spread.of([statistics.fmean(run) for run in zip(*changes.values(), strict=True)]),
        left_out=left_out,
        seeds_paired=seeds_paired,
    )


def format_reasons(left_out: dict[str, str]) -> str:
    """Formats reasons, such as `depth (not in the baseline), parts (0 in the baseline)`."""
    return ', '.join(f'{task} ({reason})' for task, reason in left_out.items())


def _can_pair_seeds(comparison: Comparison, baseline: Column, column: Column) -> bool:
    """Whether the column has several seeds, and the baseline has each of them for all benchmarks.

    A single seed is compared with the mean, which uses all runs of the baseline.
    """
    compared = [
        benchmark
        for benchmark, scores in comparison.benchmarks.items()
        if scores.main and column.has_benchmark(benchmark) and baseline.has_benchmark(benchmark)
    ]
    return len(column.runs) > 1 and all(
        baseline.with_seed(run.seed).has_benchmark(benchmark)
        for run in column.runs
        for benchmark in compared
    )


def _comparable_benchmarks(
    comparison: Comparison, baseline: Column, column: Column, task: str
) -> tuple[dict[Benchmark, Score], dict[str, str]]:
    """Returns benchmark of the task -> its main score, and benchmark left out -> reason."""
    if not column.has_task(task):
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
    skipped = {}
    for benchmark in scored:
        if not column.has_benchmark(benchmark):
            skipped[benchmark] = 'evaluated in the baseline only'
        elif not baseline.has_benchmark(benchmark):
            skipped[benchmark] = 'not evaluated in the baseline'
    if len(skipped) == len(scored):
        raise _NoChangeError(' or '.join(dict.fromkeys(skipped.values())))
    compared = {benchmark: score for benchmark, score in scored.items() if benchmark not in skipped}
    return compared, {str(benchmark): reason for benchmark, reason in skipped.items()}


def _benchmark_change(reference: Column, run: Run, benchmark: Benchmark, score: Score) -> float:
    value = run.results[benchmark].value(score.name)
    baseline_value = reference.score(benchmark, score.name)
    if value is None or baseline_value is None:
        raise _NoChangeError(f'{score.label} on {benchmark.source} is undefined')
    if baseline_value.mean == 0:
        raise _NoChangeError(f'{score.label} on {benchmark.source} is 0 in the baseline')
    return relative_change(value, baseline_value.mean, score.lower_is_better)
