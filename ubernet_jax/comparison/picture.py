"""Learning curves of several runs in one picture."""

import math
import pathlib

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from ubernet_jax.comparison.columns import Comparison
from ubernet_jax.comparison.curves import Curves, Place, choose_scores, read_curves
from ubernet_jax.metrics.metric import Score

PANELS_A_ROW = 4
SMOOTHING = 5  # lines of the log that a loss is averaged over
WHOLE = {'marker': 'o', 'ls': '-'}
PART = {'marker': '.', 'ls': '--', 'lw': 0.8}

Coloured = list[tuple[str, Curves]]  # each run's colour and curves


def draw_curves(comparison: Comparison, path: pathlib.Path) -> None:
    """Draws a panel for each task's loss and for each benchmark's main score.

    Runs that were kept as a file have no curve. A score while training is of a part of the
    benchmark, and coarser: it has a thin line of its own, not the dots of the results.
    """
    columns = list(enumerate(comparison.all_columns()))
    colours = {number: f'C{number % 10}' for number, _ in columns}
    runs = [
        (colours[number], read_curves(run.workdir))
        for number, column in columns
        for run in column.runs
        if run.workdir
    ]
    tasks = dict.fromkeys((*comparison.tasks(), *(task for _, run in runs for task in run.losses)))
    tasks = [task for task in tasks if any(task in run.losses for _, run in runs)]
    scores = choose_scores([comparison.benchmarks], [run for _, run in runs])
    figure = Figure(layout='constrained', dpi=120)
    rows = max(1, math.ceil((len(tasks) + len(scores)) / PANELS_A_ROW))
    figure.set_size_inches(3.4 * PANELS_A_ROW, 2.5 * rows + 0.6)
    panels = figure.subplots(rows, PANELS_A_ROW, sharex=True, squeeze=False).flat
    for task, axes in zip(tasks, panels, strict=False):
        _draw_losses(axes, task, runs)
    for (place, score), axes in zip(scores.items(), panels, strict=False):
        _draw_scores(axes, place, score, runs)
    for axes in panels:
        axes.set_axis_off()
    handles = [
        Line2D([], [], color=colours[number], lw=2, label=column.name) for number, column in columns
    ]
    handles += [
        Line2D([], [], color='0.3', **WHOLE, label='whole benchmark'),
        Line2D([], [], color='0.3', **PART, label='part of it, while training'),
    ]
    figure.legend(handles=handles, loc='outside upper center', ncols=min(len(handles), 6))
    figure.savefig(path)


def _draw_losses(axes: Axes, task: str, runs: Coloured) -> None:
    for colour, run in runs:
        curve = run.losses.get(task, {})
        images, values = list(curve), np.array(list(curve.values()))
        axes.plot(images, values, color=colour, lw=0.6, alpha=0.35)
        axes.plot(images, _running_mean(values), color=colour)
    axes.set_yscale('log')
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter('{x:g}')
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title(f'{task}: training loss', fontsize=9)
    _label_images(axes)


def _draw_scores(axes: Axes, place: Place, score: Score, runs: Coloured) -> None:
    for field, style in (('whole', WHOLE), ('part', PART)):
        for colour, run in runs:
            curve = getattr(run, field).get(place, {}).get(score.name, {})
            axes.plot(list(curve), list(curve.values()), color=colour, **style)
    arrow = ' (lower is better)' if score.lower_is_better else ''
    axes.set_title(f'{place.result}: {score.label}{arrow}\n{place.place}', fontsize=9)
    axes.set_ylabel(score.unit, fontsize=8)
    _label_images(axes)


def _label_images(axes: Axes) -> None:
    axes.set_xlabel('images seen', fontsize=8)
    axes.tick_params(labelbottom=True, labelsize=8)  # of every panel, though they share the axis


def _running_mean(values: np.ndarray) -> np.ndarray:
    """Mean over each value and the up to `SMOOTHING` - 1 before it."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    stop = np.arange(1, len(values) + 1)
    start = np.maximum(stop - SMOOTHING, 0)
    return (sums[stop] - sums[start]) / (stop - start)
