"""A comparison as Markdown: scores, change against the baseline, the runs, the protocols."""

import textwrap
from collections.abc import Iterable, Sequence

from ubernet_jax.comparison.columns import MAIN_RESULT, Column, Comparison, Spread
from ubernet_jax.comparison.published import find_published
from ubernet_jax.comparison.runs import PROVENANCE, TASK_OF, Run
from ubernet_jax.metrics.multitask import LOWER_IS_BETTER
from ubernet_jax.tasks import TASKS

NONE = '-'
LABELS = {
    'miou': 'mIoU', 'max_f': 'max F', 'mae': 'MAE', 'mean': 'mean angle', 'median': 'median angle',
    'below_11_25': 'below 11.25°', 'below_22_5': 'below 22.5°', 'below_30': 'below 30°',
    'ods': 'ODS', 'ois': 'OIS', 'ap': 'AP', 'map': 'mAP', 'recall_100': 'recall of 100',
    'recall_300': 'recall of 300', 'recall_1000': 'recall of 1000',
}  # fmt: skip
DEGREES = {'mean', 'median'}
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
        f'- {benchmark}: ' + '; '.join(f'{key}: {value}' for key, value in scored.protocol.items())
        for benchmark, scored in comparison.benchmarks.items()
    )
    return 'Protocols:\n\n' + '\n'.join(lines) + '\n'


def format_score(name: str, score: Spread | None) -> str:
    """Such as `.286`, `28.5°`, `30.2 %`; with the spread of several runs `.286 ± .004`."""
    if score is None:
        return NONE
    numbers = [number for number in score if number is not None]
    if name in DEGREES:
        return ' ± '.join(f'{number:.1f}' for number in numbers) + '°'
    if name.startswith('below'):
        return ' ± '.join(f'{number:.1f}' for number in numbers) + ' %'
    return ' ± '.join(f'{number:.3f}'.removeprefix('0') for number in numbers)


def _score_table(comparison: Comparison) -> str:
    columns = comparison.all_columns()
    published = {
        benchmark: find_published(benchmark, scored)
        for benchmark, scored in comparison.benchmarks.items()
    }
    paper = ['paper, 1 task', 'paper, 7 tasks'] if any(published.values()) else []
    head = ['task', 'benchmark', 'images', 'score', *map(_heading, columns), *paper]
    rows = []
    for benchmark, scored in comparison.benchmarks.items():
        place = (benchmark.result, f'{benchmark.dataset}:{benchmark.split}', scored.images)
        for number, name in enumerate(scored.scores):
            row = list(place) if number == 0 else [''] * len(place)
            row.append(LABELS.get(name, name) + (' ↓' if name in LOWER_IS_BETTER else ''))
            row += [format_score(name, column.score(benchmark, name)) for column in columns]
            if paper:
                theirs = published[benchmark]
                for scores in (theirs.one_task, theirs.seven_tasks) if theirs else ({}, {}):
                    value = Spread(scores[name], None) if name in scores else None
                    row.append(format_score(name, value))
            rows.append(row)
    return _table(head, rows)


def _change_table(comparison: Comparison) -> str:
    changes = [comparison.changes(column) for column in comparison.columns]
    rows = [
        [name, *(_percent(one.get(name)) for one in changes)]
        for name in (*TASKS, 'delta_m')
        if any(name in one for one in changes)
    ]
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
    names = {name for scored in comparison.benchmarks.values() for name in scored.scores}
    if names & LOWER_IS_BETTER:
        yield '↓ means that lower is better.'
    if any(len(column.runs) > 1 for column in comparison.columns):
        yield '± is the standard deviation over the runs (n - 1).'
    if comparison.baseline:
        yield (
            'Change: relative, positive is better; delta_m is the mean over tasks, a task with '
            'several benchmarks being their mean.'
        )
    for benchmark in comparison.benchmarks:
        if comparison.baseline and benchmark.result in MAIN_RESULT.values():
            yield f'Of {TASK_OF[benchmark.result]} it takes {benchmark.result}.'
    if len({run.images_seen for run in comparison.all_runs()}) > 1:
        yield 'The runs saw different numbers of images: see the table of runs.'
    for run in comparison.all_runs():
        if run.step < run.steps:
            yield f'{run.name} is not finished: step {run.step} of {run.steps}.'
    if any(find_published(*one) for one in comparison.benchmarks.items()):
        yield PAPER_NOTE


def _heading(column: Column) -> str:
    count = len(column.runs)
    return column.name if count == 1 else f'{column.name} ({count} runs)'


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(map(str, line))} |\n' for line in lines)
