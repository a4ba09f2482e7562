"""A comparison as Markdown: scores, change against the baseline, the runs, the protocols."""

import collections
import textwrap
from collections.abc import Iterable, Sequence

from ubernet_jax.comparison.changes import find_changes, format_reasons
from ubernet_jax.comparison.columns import Column, Comparison, Spread
from ubernet_jax.comparison.fields import format_value
from ubernet_jax.comparison.results import Benchmark, Scored
from ubernet_jax.comparison.runs import Run
from ubernet_jax.comparison.workdir import PROVENANCE
from ubernet_jax.metrics.metric import Score
from ubernet_jax.tasks.published import PUBLISHED, Published

NONE = '-'
PAPER_NOTE = (
    'Paper: arXiv 1609.02132, as recalled, not measured here, and trained on other images; '
    f"{NONE} where the benchmark or its protocol is not the paper's."
)


def format_tables(comparison: Comparison) -> str:
    """Scores, relative changes and runs, with the notes that belong to them."""
    parts = [_score_table(comparison)]
    if comparison.baseline:
        parts.append(_change_table(comparison))
    parts.append(_run_table(comparison))
    notes = textwrap.fill(' '.join(_notes(comparison)), width=100)
    parts += [f'{notes}\n'] if notes else []
    return '\n'.join(parts)


def format_protocols(comparison: Comparison) -> str:
    """What was computed on each benchmark, a line each."""
    lines = (
        f'- {benchmark}: '
        + '; '.join(f'{key}: {format_value(value)}' for key, value in scored.protocol.items())
        for benchmark, scored in comparison.benchmarks.items()
    )
    return 'Protocols:\n\n' + '\n'.join(lines) + '\n'


def format_score(score: Score, spread: Spread | None) -> str:
    """A score over some runs, with its spread if there are several."""
    if spread is None:
        return NONE
    return score.format(*(number for number in spread if number is not None))


def find_published(benchmark: Benchmark, scored: Scored) -> Published | None:
    """What the paper has on this benchmark, if its images and protocol are the paper's."""
    published = PUBLISHED.get((benchmark.result, benchmark.dataset, benchmark.split))
    if published is None or published.images != scored.images:
        return None
    return published if published.protocol.items() <= scored.protocol.items() else None


def _score_table(comparison: Comparison) -> str:
    columns = comparison.all_columns()
    published = {one: find_published(one, scored) for one, scored in comparison.benchmarks.items()}
    paper = ['paper, 1 task', 'paper, 7 tasks'] if any(published.values()) else []
    head = ['task', 'benchmark', 'images', 'score', *map(_heading, columns), *paper]
    rows = []
    for benchmark, scored in comparison.benchmarks.items():
        place = (benchmark.result, benchmark.place, scored.images)
        for number, score in enumerate(scored.scores):
            row = list(place) if number == 0 else [''] * len(place)
            row.append(score.label + (' ↓' if score.lower_is_better else ''))
            values = [column.score(benchmark, score.name) for column in columns]
            if paper:
                values += _papers_scores(published[benchmark], score)
            rows.append([*row, *(format_score(score, value) for value in values)])
    return _table(head, rows)


def _papers_scores(published: Published | None, score: Score) -> list[Spread | None]:
    networks = (published.one_task, published.seven_tasks) if published else ({}, {})
    return [Spread(one[score.name], None) if score.name in one else None for one in networks]


def _change_table(comparison: Comparison) -> str:
    changes = [find_changes(comparison, column) for column in comparison.columns]
    rows = [
        [task, *(_percent(one.tasks.get(task)) for one in changes)]
        for task in comparison.tasks()
        if any(column.has(task) for column in comparison.columns)
    ]
    rows.append(['delta_m', *(_percent(one.delta_m) for one in changes)])
    return _table(['change against the baseline, %', *map(_heading, comparison.columns)], rows)


def _percent(change: Spread | None) -> str:
    if change is None:
        return NONE
    spread = '' if change.deviation is None else f' ± {change.deviation:.1f}'
    return f'{change.mean:+.1f}{spread}'


def _run_table(comparison: Comparison) -> str:
    head = ['run', 'experiment', 'seed', 'step', 'images seen', 'minutes', *PROVENANCE]
    named = [(column.name, run) for column in comparison.all_columns() for run in column.runs]
    return _table(head, [[name, *_describe(run)] for name, run in named])


def _describe(run: Run) -> list[object]:
    minutes = NONE if run.seconds is None else round(run.seconds / 60)
    origin = [run.provenance.get(fact, NONE) for fact in PROVENANCE]
    return [run.experiment, run.seed, run.step, run.images_seen, minutes, *origin]


def _notes(comparison: Comparison) -> Iterable[str]:
    scores = (score for scored in comparison.benchmarks.values() for score in scored.scores)
    if any(score.lower_is_better for score in scores):
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
    if any(find_published(*one) for one in comparison.benchmarks.items()):
        yield PAPER_NOTE


def _notes_on_changes(comparison: Comparison) -> Iterable[str]:
    yield (
        'Change: relative, positive is better; delta_m is the mean over tasks, a task with '
        'several benchmarks being their mean.'
    )
    for task in comparison.tasks():
        own = [one for one in comparison.benchmarks.items() if one[0].task == task]
        main = dict.fromkeys(benchmark.result for benchmark, scored in own if scored.main)
        if main and not all(scored.main for _, scored in own):
            yield f'Of {task} it takes {", ".join(main)}.'
    columns = collections.defaultdict(list)
    for column in comparison.columns:
        columns[format_reasons(find_changes(comparison, column).left_out)].append(column.name)
    for reasons, names in columns.items():
        if reasons:
            yield f'delta_m of {" and ".join(names)} leaves out {reasons}.'


def _heading(column: Column) -> str:
    count = len(column.runs)
    return column.name if count == 1 else f'{column.name} ({count} runs)'


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(map(str, line))} |\n' for line in lines)
