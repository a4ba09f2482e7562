"""Formats a comparison as Markdown: scores, changes against the baseline, runs and protocols."""

import textwrap
from collections.abc import Iterable

from ubernet_jax.comparison.change_tables import change_table, notes_on_changes
from ubernet_jax.comparison.columns import Comparison
from ubernet_jax.comparison.fields import format_value
from ubernet_jax.comparison.image_tables import image_table, notes_on_images
from ubernet_jax.comparison.markdown_table import NONE, format_table
from ubernet_jax.comparison.results import Benchmark, BenchmarkScores
from ubernet_jax.comparison.runs import Run
from ubernet_jax.comparison.spread import Spread
from ubernet_jax.comparison.workdir import PROVENANCE
from ubernet_jax.metrics.metric import Score
from ubernet_jax.scoring.presets import OURS
from ubernet_jax.tasks.published import PUBLISHED, Published

PAPER_NOTE = (
    'Paper: arXiv 1609.02132, quoted from memory, not measured here, trained on other images; '
    f'{NONE} where the benchmark or its protocol differs from that of the paper.'
)


def format_tables(comparison: Comparison) -> str:
    """Formats the tables of scores, relative changes and runs, with notes."""
    parts = [_score_table(comparison)]
    if comparison.baseline:
        parts += filter(None, [change_table(comparison), image_table(comparison)])
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
    values = [spread.mean] if spread.deviation is None else [spread.mean, spread.deviation]
    return score.format(*values)


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
    head = ['task', 'benchmark', 'images', 'score', *(column.heading for column in columns), *paper]
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
    return format_table(head, rows)


def _paper_scores(published: Published | None, score: Score) -> list[Spread | None]:
    if published is None:
        return [None, None]
    networks = (published.one_task, published.seven_tasks)
    return [Spread(scores[score.name]) if score.name in scores else None for scores in networks]


def _run_table(comparison: Comparison) -> str:
    head = ['run', 'experiment', 'seed', 'step', 'images seen', 'minutes', *PROVENANCE]
    rows = [
        [column.name, *_describe(run)] for column in comparison.all_columns() for run in column.runs
    ]
    return format_table(head, rows)


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
        yield from notes_on_changes(comparison)
        yield from notes_on_images(comparison)
    if len({run.images_seen for run in comparison.all_runs()}) > 1:
        yield 'The runs saw different numbers of images: see the table of runs.'
    for run in comparison.all_runs():
        if run.step < run.steps:
            yield f'{run.name} is not finished: step {run.step} of {run.steps}.'
    if any(find_published(*item) for item in comparison.benchmarks.items()):
        yield PAPER_NOTE
