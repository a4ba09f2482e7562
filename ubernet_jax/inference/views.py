"""The views in which photographs enter the network: scaled and mirrored (`evaluation.flip`)."""

import argparse
import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ubernet_jax.config import EvaluationConfig
from ubernet_jax.config.validation import SCALES_RANGE, are_scales
from ubernet_jax.errors import UserError
from ubernet_jax.models.grid import Grid
from ubernet_jax.network import Network
from ubernet_jax.tasks.views import View
from ubernet_jax.transforms.grids import resize_image

Size = tuple[int, int]  # height, width


def list_views(size: Size, evaluation: EvaluationConfig, grid: Grid) -> tuple[View, ...]:
    """Lists the different views of photographs: first that of scale 1, not mirrored.

    Args:
      size: at which the photographs enter the network at scale 1.
      evaluation: its scales and flip.
      grid: of the trunk; sides are rounded to the nearest that it allows.
    """
    heights, widths = ([grid.round(scale * side) for scale in evaluation.scales] for side in size)
    views = [
        View(scaled, mirrored)
        for mirrored in ((False, True) if evaluation.flip else (False,))
        for scaled in zip(heights, widths, strict=True)
    ]
    return tuple(dict.fromkeys([View(size), *views]))


def resize_to(view: View, images: Sequence[np.ndarray]) -> np.ndarray:
    """Returns photographs uint8 (H, W, 3) as the view shows them, uint8 (N, h, w, 3)."""
    resized = np.stack([resize_image(image, view.size) for image in images])
    return resized[:, :, ::-1] if view.mirrored else resized


def average_outputs(
    network: Network, task: str, outputs: Sequence[Any], views: tuple[View, ...]
) -> tuple[Any, Size]:
    """Returns the output of a task for all views, and the size that it belongs to.

    Args:
      network: the network.
      task: name of the task.
      outputs: of the first view, or of all.
      views: the views.
    """
    if len(outputs) == 1:
        return outputs[0], views[0].size
    return _average(network, task, views, outputs), max(view.size for view in views)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _average(network: Network, task: str, views: tuple[View, ...], outputs: Sequence[Any]) -> Any:
    return network.tasks[task].average(outputs, views)


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--flip` and `--scales` to a command."""
    parser.add_argument('--flip', action='store_true', default=None,
                        help='average over the image and its mirror image, as evaluation.flip '
                        'does')  # fmt: skip
    parser.add_argument('--scales', nargs='+', type=float, metavar='S',
                        help='average over these scales of the image, among them 1, as '
                        'evaluation.scales does')  # fmt: skip


def choose_views(
    evaluation: EvaluationConfig, flip: bool | None, scales: Sequence[float] | None
) -> EvaluationConfig:
    """Returns the settings with another choice of views; None keeps that of the configuration.

    Raises:
      UserError: the scales are not allowed.
    """
    if scales is None:
        scales = evaluation.scales
    elif not are_scales(scales):
        shown = ' '.join(f'{scale:g}' for scale in scales)
        raise UserError(f'the scales are {shown}, but must be {SCALES_RANGE}: --scales 0.75 1 1.25')
    flip = evaluation.flip if flip is None else flip
    return dataclasses.replace(evaluation, flip=flip, scales=tuple(scales))


def describe_views(evaluation: EvaluationConfig) -> dict[str, Any]:
    """Returns the choice of views as plain values, for files."""
    return {'flip': evaluation.flip, 'scales': [*evaluation.scales]}


def name_views(chosen: EvaluationConfig, usual: EvaluationConfig) -> str:
    """A part of the name of a folder, such as `-flip-scales0.75,1`; empty for the usual views."""
    flip = '-flip' if chosen.flip != usual.flip else ''
    scales = ','.join(f'{scale:g}' for scale in chosen.scales)
    return flip + (f'-scales{scales}' if chosen.scales != tuple(usual.scales) else '')
