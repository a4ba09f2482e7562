"""Draws the changes of several columns relative to the baseline, with their intervals."""

import pathlib
from collections.abc import Mapping

from matplotlib.figure import Figure

from ubernet_jax.comparison.changes import Changes
from ubernet_jax.comparison.spread import CONFIDENCE
from ubernet_jax.writing import new_file

HEIGHT = 0.8  # of the rows of a task, of the distance between two tasks


def draw_changes(changes: Mapping[str, Changes], path: pathlib.Path) -> None:
    """Draws a point for each column and task, and for delta_m, with the interval over its seeds.

    Args:
      changes: name of a column -> its changes; at least one.
      path: the new file.
    """
    rows = [*dict.fromkeys(task for of_column in changes.values() for task in of_column.tasks)]
    rows.append('delta_m')
    figure = Figure(layout='constrained', dpi=120)
    figure.set_size_inches(7, 1.2 + 0.2 * len(rows) * (1 + len(changes)))
    axes = figure.subplots()
    axes.axvline(0, color='0.3', lw=0.8)
    axes.axhline(len(rows) - 1.5, color='0.8', lw=0.8)  # above delta_m
    for number, (name, of_column) in enumerate(changes.items()):
        spreads = {**of_column.tasks, 'delta_m': of_column.delta_m}
        offset = HEIGHT * ((number + 0.5) / len(changes) - 0.5)
        for row, task in enumerate(rows):
            if (spread := spreads.get(task)) is None:
                continue
            style = {'color': f'C{number % 10}', 'label': name if task == 'delta_m' else None}
            axes.plot([spread.mean], [row + offset], marker='o', linestyle='', **style)
            if spread.interval:
                axes.plot(spread.interval, [row + offset] * 2, color=style['color'])
    axes.set_yticks(range(len(rows)), [*rows[:-1], 'mean (delta_m)'])
    axes.invert_yaxis()
    axes.set_xlabel(
        f'change from the baseline in percent, positive is better; {CONFIDENCE:.0%} intervals over '
        'seeds',
        fontsize=9,
    )
    figure.legend(loc='outside upper center', ncols=min(len(changes), 4))
    with new_file(path) as new:
        figure.savefig(new)
