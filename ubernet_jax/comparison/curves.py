"""Learning curves of several runs in one picture: losses and scores over the images seen."""

import collections
import math
import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from ubernet_jax.comparison.columns import Comparison, main_score, table_order
from ubernet_jax.comparison.markdown import LABELS
from ubernet_jax.comparison.runs import (
    TASK_OF,
    Benchmark,
    complete_results,
    read_config,
    read_log,
    read_results,
)
from ubernet_jax.metrics.multitask import LOWER_IS_BETTER
from ubernet_jax.tasks import TASKS

PANELS_A_ROW = 4
SMOOTHING = 5  # lines of the log that a loss is averaged over
WHOLE = {'marker': 'o', 'ls': '-'}
PART = {'marker': '.', 'ls': '--', 'lw': 0.8}

Curve = dict[int, float]  # images seen -> value
Curves = Mapping[str | Benchmark, Curve]


def draw_curves(comparison: Comparison, path: pathlib.Path) -> None:
    """Draws a panel for each task's loss and for each benchmark's main score.

    Runs that were kept as a file have no curve. A score while training is of a part of the
    benchmark, and coarser: it has a thin line of its own, not the dots of the results.
    """
    columns = list(enumerate(comparison.all_columns()))
    colours = {number: f'C{number % 10}' for number, _ in columns}
    runs = [
        (colours[number], run.workdir)
        for number, column in columns
        for run in column.runs
        if run.workdir
    ]
    losses = [(colour, read_losses(workdir)) for colour, workdir in runs]
    scores = [(colour, read_scores(workdir)) for colour, workdir in runs]
    quick = [(colour, read_quick_scores(workdir)) for colour, workdir in runs]
    tasks = [task for task in TASKS if any(task in curves for _, curves in losses)]
    found = dict.fromkeys(benchmark for _, curves in scores + quick for benchmark in curves)
    benchmarks = sorted(found, key=table_order)
    figure = Figure(layout='constrained', dpi=120)
    rows = max(1, math.ceil((len(tasks) + len(benchmarks)) / PANELS_A_ROW))
    figure.set_size_inches(3.4 * PANELS_A_ROW, 2.5 * rows + 0.6)
    panels = figure.subplots(rows, PANELS_A_ROW, sharex=True, squeeze=False).flat
    for task, axes in zip(tasks, panels, strict=False):
        _draw_losses(axes, task, losses)
    for benchmark, axes in zip(benchmarks, panels, strict=False):
        _draw_scores(axes, benchmark, scores, quick)
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


def read_losses(workdir: pathlib.Path) -> dict[str, Curve]:
    """Task -> its loss a labelled image, from the log."""
    return {
        name.removeprefix('loss/'): curve
        for name, curve in _read_log_curves(workdir).items()
        if name.startswith('loss/')
    }


def read_quick_scores(workdir: pathlib.Path) -> dict[Benchmark, Curve]:
    """Benchmark -> its main score while training, from the log."""
    found = {}
    for name, curve in _read_log_curves(workdir).items():
        result, _, rest = name.partition('/')
        place, _, score = rest.rpartition('/')
        dataset, _, split = place.rpartition(':')
        if result in TASK_OF and score == main_score(Benchmark(result, dataset, split)):
            found[Benchmark(result, dataset, split)] = curve
    return found


def read_scores(workdir: pathlib.Path) -> dict[Benchmark, Curve]:
    """Benchmark -> its main score at every step with results on whole benchmarks."""
    micro_batch = read_config(workdir).data.micro_batch
    found = collections.defaultdict(dict)
    for step, folder in complete_results(workdir).items():
        for benchmark, scored in read_results(folder).items():
            name = main_score(benchmark)
            if name in scored.scores:
                found[benchmark][step * micro_batch] = scored.scores[name]
    return found


def _read_log_curves(workdir: pathlib.Path) -> dict[str, Curve]:
    micro_batch = read_config(workdir).data.micro_batch
    found = collections.defaultdict(dict)
    for step, numbers in read_log(workdir).items():
        for name, value in numbers.items():
            found[name][step * micro_batch] = value
    return found


def _draw_losses(axes: Axes, task: str, losses: list[tuple[str, Curves]]) -> None:
    for colour, curves in losses:
        curve = curves.get(task, {})
        images, values = list(curve), np.array(list(curve.values()))
        axes.plot(images, values, color=colour, lw=0.6, alpha=0.35)
        axes.plot(images, _running_mean(values), color=colour)
    axes.set_yscale('log')
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter('{x:g}')
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title(f'{task}: training loss', fontsize=9)
    _label_images(axes)


def _draw_scores(
    axes: Axes,
    benchmark: Benchmark,
    scores: list[tuple[str, Curves]],
    quick: list[tuple[str, Curves]],
) -> None:
    name = main_score(benchmark)
    for drawn, style in ((scores, WHOLE), (quick, PART)):
        for colour, curves in drawn:
            curve = curves.get(benchmark, {})
            axes.plot(list(curve), list(curve.values()), color=colour, **style)
    arrow = ' (lower is better)' if name in LOWER_IS_BETTER else ''
    place = f'{benchmark.dataset}:{benchmark.split}'
    axes.set_title(f'{benchmark.result}: {LABELS[name]}{arrow}\n{place}', fontsize=9)
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
