"""Draws the learning curves of several runs in one figure."""

import math
import pathlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from ubernet_jax.comparison.columns import Comparison
from ubernet_jax.comparison.curves import Curve, CurveKey, Curves, choose_scores, read_curves
from ubernet_jax.metrics.metric import Score
from ubernet_jax.writing import new_file

PANELS_PER_ROW = 4
SMOOTHING = 5  # number of log lines in the running mean of a loss


class _Style(NamedTuple):
    """Style of a curve of scores; a width of None is the default of matplotlib."""

    marker: str
    linestyle: Literal['-', '--']
    linewidth: float | None


class _ColouredRun(NamedTuple):
    """The curves of a run and the colour of its column."""

    colour: str
    curves: Curves


FULL = _Style(marker='o', linestyle='-', linewidth=None)
SUBSET = _Style(marker='.', linestyle='--', linewidth=0.8)


def draw_curves(comparison: Comparison, path: pathlib.Path) -> None:
    """Draws a panel for the loss of each task and for the main score of each benchmark.

    Runs that were kept as a file have no curves. Scores during training are on a subset of the
    benchmark and less accurate, and are therefore drawn as separate thin lines.
    """
    columns = list(enumerate(comparison.all_columns()))
    colours = {number: f'C{number % 10}' for number, _ in columns}
    runs = [
        _ColouredRun(colours[number], read_curves(run.workdir))
        for number, column in columns
        for run in column.runs
        if run.workdir
    ]
    tasks = dict.fromkeys(
        [*comparison.tasks(), *(task for run in runs for task in run.curves.losses)]
    )
    tasks = [task for task in tasks if any(task in run.curves.losses for run in runs)]
    scores = choose_scores([comparison.benchmarks], [run.curves for run in runs])
    figure = Figure(layout='constrained', dpi=120)
    rows = max(1, math.ceil((len(tasks) + len(scores)) / PANELS_PER_ROW))
    figure.set_size_inches(3.4 * PANELS_PER_ROW, 2.5 * rows + 0.6)
    panels = figure.subplots(rows, PANELS_PER_ROW, sharex=True, squeeze=False).flat
    for task, axes in zip(tasks, panels, strict=False):
        _draw_losses(axes, task, runs)
    for (key, score), axes in zip(scores.items(), panels, strict=False):
        _draw_scores(axes, key, score, runs)
    for axes in panels:
        axes.set_axis_off()
    handles = [
        Line2D([], [], color=colours[number], lw=2, label=column.name) for number, column in columns
    ]
    for style, label in ((FULL, 'full benchmark'), (SUBSET, 'subset, during training')):
        handles.append(
            Line2D(
                [], [], color='0.3', label=label,
                marker=style.marker, linestyle=style.linestyle, linewidth=style.linewidth,
            )
        )  # fmt: skip
    figure.legend(handles=handles, loc='outside upper center', ncols=min(len(handles), 6))
    with new_file(path) as new:
        figure.savefig(new)


def _draw_losses(axes: Axes, task: str, runs: Sequence[_ColouredRun]) -> None:
    for colour, curves in runs:
        curve = curves.losses.get(task, {})
        images, values = list(curve), np.array(list(curve.values()))
        axes.plot(images, values, color=colour, lw=0.6, alpha=0.35)
        axes.plot(images, running_mean(values), color=colour)
    axes.set_yscale('log')
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter('{x:g}')
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title(f'{task}: training loss', fontsize=9)
    _label_images(axes)


def _draw_scores(axes: Axes, key: CurveKey, score: Score, runs: Sequence[_ColouredRun]) -> None:
    for colour, curves in runs:
        _draw_curve(axes, curves.full.get(key, {}).get(score.name, {}), colour, FULL)
    for colour, curves in runs:
        _draw_curve(axes, curves.subset.get(key, {}).get(score.name, {}), colour, SUBSET)
    direction = ' (lower is better)' if score.lower_is_better else ''
    axes.set_title(f'{key.result}: {score.label}{direction}\n{key.source}', fontsize=9)
    axes.set_ylabel(score.unit, fontsize=8)
    _label_images(axes)


def _draw_curve(axes: Axes, curve: Curve, colour: str, style: _Style) -> None:
    axes.plot(
        list(curve), list(curve.values()), color=colour,
        marker=style.marker, linestyle=style.linestyle, linewidth=style.linewidth,
    )  # fmt: skip


def _label_images(axes: Axes) -> None:
    axes.set_xlabel('images seen', fontsize=8)
    axes.tick_params(labelbottom=True, labelsize=8)  # in every panel, although they share the axis


def running_mean(values: np.ndarray) -> np.ndarray:
    """Computes the mean of each value and up to `SMOOTHING` - 1 values before it."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    stop = np.arange(1, len(values) + 1)
    start = np.maximum(stop - SMOOTHING, 0)
    return (sums[stop] - sums[start]) / (stop - start)
