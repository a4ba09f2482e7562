"""Formats a comparison as Markdown: scores, changes against the baseline, runs and protocols."""

import collections
import textwrap
from collections.abc import Iterable, Sequence

from ubernet_jax.comparison.changes import find_changes, format_reasons
from ubernet_jax.comparison.columns import Column, Comparison, Spread
from ubernet_jax.comparison.fields import format_value
from ubernet_jax.comparison.results import Benchmark, BenchmarkScores
from ubernet_jax.comparison.runs import Run
from ubernet_jax.comparison.workdir import PROVENANCE
from ubernet_jax.metrics.metric import Score
from ubernet_jax.scoring.presets import OURS
from ubernet_jax.tasks.published import PUBLISHED, Published

NONE = '-'
PAPER_NOTE = (
    'Paper: arXiv 1609.02132, quoted from memory, not measured here, trained on other images; '
    f'{NONE} where the benchmark or its protocol differs from that of the paper.'
)


def format_tables(comparison: Comparison) -> str:
    """Formats the tables of scores, relative changes and runs, with notes."""
    parts = [_score_table(comparison)]
    if comparison.baseline:
        parts.append(_change_table(comparison))
    parts.append(_run_table(comparison))
    notes = textwrap.fill(' '.join(_notes(comparison)), width=100)
    parts += [f'{notes}\n'] if notes else []
    return '\n'.join(parts)


def format_protocols(comparison: Comparison) -> str:
    """Formats the protocol of each benchmark, one line each."""
    lines = (
        f'- {benchmark}: '
        + '; '.join(f'{key}: {format_value(value)}' for key, value in scores.protocol.items())
        for benchmark, scores in comparison.benchmarks.items()
    )
    return 'Protocols:\n\n' + '\n'.join(lines) + '\n'


def format_score(score: Score, spread: Spread | None) -> str:
    """Formats the mean of a score over runs, with the standard deviation if there are several."""
    if spread is None:
        return NONE
    return score.format(*(number for number in spread if number is not None))


def find_published(benchmark: Benchmark, scores: BenchmarkScores) -> Published | None:
    """Returns the paper's scores on a benchmark; None if its images or protocol differ."""
    published = PUBLISHED.get((benchmark.result, benchmark.dataset, benchmark.split))
    if published is None or published.images != scores.images:
        return None
    if scores.protocol.get('preset', OURS) != OURS:
        return None
    return published if published.protocol.items() <= scores.protocol.items() else None


def _score_table(comparison: Comparison) -> str:
    columns = comparison.all_columns()
    published = {
        benchmark: find_published(benchmark, scores)
        for benchmark, scores in comparison.benchmarks.items()
    }
    paper = ['paper, 1 task', 'paper, 7 tasks'] if any(published.values()) else []
    head = ['task', 'benchmark', 'images', 'score', *map(_heading, columns), *paper]
    rows = []
    for benchmark, scores in comparison.benchmarks.items():
        origin = (benchmark.result, benchmark.source, scores.images)
        for number, score in enumerate(scores.scores):
            row = list(origin) if number == 0 else [''] * len(origin)
            row.append(score.label + (' ↓' if score.lower_is_better else ''))
            values = [column.score(benchmark, score.name) for column in columns]
            if paper:
                values += _paper_scores(published[benchmark], score)
            rows.append([*row, *(format_score(score, value) for value in values)])
    return _table(head, rows)


def _paper_scores(published: Published | None, score: Score) -> list[Spread | None]:
    if published is None:
        return [None, None]
    networks = (published.one_task, published.seven_tasks)
    return [
        Spread(scores[score.name], None) if score.name in scores else None for scores in networks
    ]


def _change_table(comparison: Comparison) -> str:
    all_changes = [find_changes(comparison, column) for column in comparison.columns]
    rows = [
        [task, *(_percent(changes.tasks.get(task)) for changes in all_changes)]
        for task in comparison.tasks()
        if any(column.has_task(task) for column in comparison.columns)
    ]
    rows.append(['delta_m', *(_percent(changes.delta_m) for changes in all_changes)])
    return _table(['change against the baseline, %', *map(_heading, comparison.columns)], rows)


def _percent(change: Spread | None) -> str:
    if change is None:
        return NONE
    spread = '' if change.deviation is None else f' ± {change.deviation:.1f}'
    return f'{change.mean:+.1f}{spread}'


def _run_table(comparison: Comparison) -> str:
    head = ['run', 'experiment', 'seed', 'step', 'images seen', 'minutes', *PROVENANCE]
    rows = [
        [column.name, *_describe(run)] for column in comparison.all_columns() for run in column.runs
    ]
    return _table(head, rows)


def _describe(run: Run) -> list[object]:
    minutes = NONE if run.seconds is None else round(run.seconds / 60)
    provenance = [run.provenance.get(field, NONE) for field in PROVENANCE]
    return [run.experiment, run.seed, run.step, run.images_seen, minutes, *provenance]


def _notes(comparison: Comparison) -> Iterable[str]:
    shown = (score for scores in comparison.benchmarks.values() for score in scores.scores)
    if any(score.lower_is_better for score in shown):
        yield '↓ means that lower is better.'
    if any(len(column.runs) > 1 for column in comparison.columns):
        yield '± is the standard deviation over the runs (n - 1).'
    if comparison.baseline:
        yield from _notes_on_changes(comparison)
    if len({run.images_seen for run in comparison.all_runs()}) > 1:
        yield 'The runs saw different numbers of images: see the table of runs.'
    for run in comparison.all_runs():
        if run.step < run.steps:
            yield f'{run.name} is not finished: step {run.step} of {run.steps}.'
    if any(find_published(*item) for item in comparison.benchmarks.items()):
        yield PAPER_NOTE


def _notes_on_changes(comparison: Comparison) -> Iterable[str]:
    yield (
        'Changes are relative, positive is better; delta_m is the mean over tasks, where a task '
        'with several benchmarks counts as their mean.'
    )
    for task in comparison.tasks():
        main_scores = [
            (benchmark.result, scores.main)
            for benchmark, scores in comparison.benchmarks.items()
            if benchmark.task == task
        ]
        results = dict.fromkeys(result for result, main in main_scores if main)
        if results and not all(main for _, main in main_scores):
            yield f'The change of {task} is that of {", ".join(results)}.'
    columns_by_reason = collections.defaultdict(list)
    for column in comparison.columns:
        reasons = format_reasons(find_changes(comparison, column).left_out)
        columns_by_reason[reasons].append(column.name)
    for reasons, names in columns_by_reason.items():
        if reasons:
            yield f'delta_m of {" and ".join(names)} leaves out {reasons}.'


def _heading(column: Column) -> str:
    count = len(column.runs)
    return column.name if count == 1 else f'{column.name} ({count} runs)'


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(map(str, line))} |\n' for line in lines)
