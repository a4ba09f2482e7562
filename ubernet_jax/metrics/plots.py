"""Plots of results, as papers show them."""

import functools
import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ubernet_jax.metrics.boundaries import BoundaryResult
from ubernet_jax.metrics.depth import RATIOS, DepthResult
from ubernet_jax.metrics.detection import DetectionResult
from ubernet_jax.metrics.metric import MetricResult
from ubernet_jax.metrics.normals import NormalsResult
from ubernet_jax.metrics.proposals import ProposalResult
from ubernet_jax.metrics.saliency import SaliencyResult
from ubernet_jax.metrics.segmentation import SegmentationResult
from ubernet_jax.metrics.semantic_boundaries import SemanticBoundaryResult

RECALL_LEVELS = np.arange(101) / 100


@functools.singledispatch
def plot(result: MetricResult, path: pathlib.Path) -> None:
    """Plots a result to an image file; the file's suffix determines the format.

    Raises:
      TypeError: there is no plot for results of this type.
    """
    raise TypeError(f'no plot for {type(result).__name__}')


@plot.register
def _(result: BoundaryResult, path: pathlib.Path) -> None:
    figure, axes = _curve_figure(result, f'ODS {result.ods:.3f}', beta_squared=1)
    axes.plot(result.ods_recall, result.ods_precision, 'o', color='C0')
    axes.plot(
        result.ois_recall, result.ois_precision, 's', color='C1', label=f'OIS {result.ois:.3f}'
    )
    axes.plot([], [], ' ', label=f'AP {result.ap:.3f}   R50 {result.r50:.3f}')
    axes.set_title(f'boundaries, {result.images} images')
    axes.legend(loc='lower left')
    figure.savefig(path)


@plot.register
def _(result: SemanticBoundaryResult, path: pathlib.Path) -> None:
    figure, axes = _figure(7, 0.25 * len(result.per_class) + 2)
    scores = {name: score['ods'] for name, score in result.per_class.items()}
    _draw_bars(axes, scores, result.ods)
    axes.set_title(f'maximal F, {result.protocol["mode"]}, {result.images} images')
    figure.savefig(path)


@plot.register
def _(result: DetectionResult, path: pathlib.Path) -> None:
    figure = Figure((12, 0.25 * len(result.per_class) + 3), layout='constrained')
    curves, bars = figure.subplots(1, 2)
    _label_precision_recall(curves)
    colours = colormaps['turbo'](np.linspace(0, 1, len(result.curves)))
    for colour, (name, precision) in zip(colours, result.curves.items(), strict=True):
        curves.plot(RECALL_LEVELS, precision, label=name, color=colour, lw=1)
    curves.legend(fontsize=6, loc='lower left', ncols=2)
    _draw_bars(bars, result.per_class, result.map)
    bars.set_title(f'AP ({result.protocol["ap"]}), {result.images} images')
    figure.savefig(path)


@plot.register
def _(result: SegmentationResult, path: pathlib.Path) -> None:
    size = 0.3 * len(result.per_class) + 3
    figure = Figure((2.2 * size, size), layout='constrained')
    bars, matrix = figure.subplots(1, 2)
    _draw_bars(bars, result.per_class, result.miou)
    bars.set_title(f'intersection over union, {result.images} images')
    fraction = result.confusion / np.maximum(result.confusion.sum(1, keepdims=True), 1)
    picture = matrix.imshow(fraction, vmin=0, vmax=1, cmap='viridis')
    names = list(result.per_class)
    matrix.set_xticks(range(len(names)), names, rotation=90)
    matrix.set_yticks(range(len(names)), names)
    matrix.set(xlabel='predicted', ylabel='true', title='fraction of each true class')
    figure.colorbar(picture, ax=matrix, shrink=0.8)
    figure.savefig(path)


@plot.register
def _(result: SaliencyResult, path: pathlib.Path) -> None:
    figure, axes = _curve_figure(
        result, f'max F {result.max_f:.3f}', result.protocol['beta_squared']
    )
    axes.plot([], [], ' ', label=f'MAE {result.mae:.3f}')
    axes.set_title(f'saliency, {result.images} images')
    axes.legend(loc='lower left')
    figure.savefig(path)


@plot.register
def _(result: NormalsResult, path: pathlib.Path) -> None:
    figure, axes = _figure(7, 4.5)
    axes.stairs(100 * result.histogram / result.pixels, np.arange(181), fill=True, alpha=0.6)
    for name, value, style in (
        ('median', result.median, '--'),
        ('mean', result.mean, '-'),
        ('RMSE', result.rmse, ':'),
    ):
        axes.axvline(value, ls=style, color='k', label=f'{name} {value:.1f}°')
    axes.set(xlim=(0, 180), xlabel='angular error, degrees', ylabel='% of pixels per degree')
    axes.set_title(f'normals, {result.images} images')
    axes.legend()
    figure.savefig(path)


@plot.register
def _(result: DepthResult, path: pathlib.Path) -> None:
    figure, axes = _figure(5, 3)
    fractions = [getattr(result, f'delta_{power}') for power in range(1, len(RATIOS) + 1)]
    names = [f'below {ratio:.3g}' for ratio in RATIOS]
    _draw_bars(axes, dict(zip(names, fractions, strict=True)), None)
    axes.set_xlabel('fraction of pixels by ratio of predicted and true depth')
    axes.set_title(f'depth, {result.images} images: RMSE {result.rmse:.3f} m')
    figure.savefig(path)


@plot.register
def _(result: ProposalResult, path: pathlib.Path) -> None:
    figure, axes = _figure(6, 4.5)
    limits = list(result.recall)
    axes.plot(limits, list(result.recall.values()), 'o-', label='recall at overlap 0.5')
    axes.plot(limits, list(result.average_recall.values()), 's-', label='average recall')
    axes.set_xscale('log')
    axes.set_xticks(limits, map(str, limits))
    axes.set(xlabel='proposals per image', ylim=(0, 1), title=f'{result.objects} objects')
    axes.legend()
    figure.savefig(path)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure((width, height), layout='constrained', dpi=120)
    return figure, figure.subplots()


def _curve_figure(
    result: BoundaryResult | SaliencyResult, label: str, beta_squared: float
) -> tuple[Figure, Axes]:
    figure, axes = _figure(6, 6)
    _draw_iso_f(axes, beta_squared)
    kept = result.precision > 0
    axes.plot(result.recall[kept], result.precision[kept], label=label, lw=2)
    return figure, axes


def _label_precision_recall(axes: Axes) -> None:
    axes.set(xlabel='recall', ylabel='precision', xlim=(0, 1), ylim=(0, 1))
    axes.set_aspect('equal')


def _draw_iso_f(axes: Axes, beta_squared: float) -> None:
    _label_precision_recall(axes)
    recall, precision = np.meshgrid(np.linspace(0.01, 1, 200), np.linspace(0.01, 1, 200))
    f = (1 + beta_squared) * precision * recall / (beta_squared * precision + recall)
    lines = axes.contour(
        recall, precision, f, levels=np.arange(1, 10) / 10, colors='0.75', linewidths=0.8
    )
    axes.clabel(lines, fmt='F = %.1f', fontsize=7)


def _draw_bars(axes: Axes, scores: Mapping[str, float], mean: float | None) -> None:
    names, values = list(scores), np.array(list(scores.values()))
    if mean is not None:
        axes.axvline(mean, color='0.6', ls='--', zorder=0, label=f'mean {mean:.3f}')
    axes.barh(names, np.nan_to_num(values))
    for position, value in enumerate(values):
        text = 'absent' if np.isnan(value) else f'{value:.3f}'
        axes.text(np.nan_to_num(value) + 0.01, position, text, va='center', fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1)
    if mean is not None:
        axes.legend(loc='lower right')
