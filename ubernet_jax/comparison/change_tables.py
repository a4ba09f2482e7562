"""Formats the changes against the baseline as Markdown, with notes."""

import collections
from collections.abc import Iterable

from ubernet_jax.comparison.changes import find_changes, format_reasons
from ubernet_jax.comparison.columns import Comparison
from ubernet_jax.comparison.markdown_table import NONE, format_table
from ubernet_jax.comparison.spread import CONFIDENCE, Spread


def change_table(comparison: Comparison) -> str:
    """Formats the change of each task and delta_m, with their confidence intervals."""
    all_changes = [find_changes(comparison, column) for column in comparison.columns]
    rows = [
        [task, *(_percent(changes.tasks.get(task)) for changes in all_changes)]
        for task in comparison.tasks()
        if any(column.has_task(task) for column in comparison.columns)
    ]
    rows.append(['delta_m', *(_percent(changes.delta_m) for changes in all_changes)])
    headings = [column.heading for column in comparison.columns]
    return format_table(['change against the baseline, %', *headings], rows)


def notes_on_changes(comparison: Comparison) -> Iterable[str]:
    """Yields sentences that say what the changes are and what they leave out."""
    yield (
        'Changes are relative, positive is better; delta_m is the mean over tasks, where a task '
        'with several benchmarks counts as their mean.'
    )
    yield from _notes_on_intervals(comparison)
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


def _notes_on_intervals(comparison: Comparison) -> Iterable[str]:
    columns_by_pairing = collections.defaultdict(list)
    for column in comparison.columns:
        if len(column.runs) > 1:
            pairing = find_changes(comparison, column).seeds_paired
            columns_by_pairing[pairing].append(column.name)
    if columns_by_pairing:
        yield (
            f'[low, high] is the {100 * CONFIDENCE:g} % confidence interval of the mean over seeds '
            "(Student's t, n - 1)."
        )
    for paired, names in columns_by_pairing.items():
        changes = f'The changes of {" and ".join(names)}'
        if paired:
            yield f'{changes} pair each seed with the baseline of that seed.'
        else:
            yield (
                f'{changes} are against the mean of the baseline: the intervals leave out how far '
                'its runs are apart.'
            )


def _percent(change: Spread | None) -> str:
    if change is None:
        return NONE
    text = f'{change.mean:+.1f}'
    if change.deviation is not None and change.interval is not None:
        low, high = change.interval
        text += f' ± {change.deviation:.1f} [{low:+.1f}, {high:+.1f}]'
    return text
