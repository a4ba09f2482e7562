"""A photograph enters the network in several views, and the scores of the views are averaged."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.ops.interpolate import resample


class View(NamedTuple):
    """How a photograph enters the network.

    Attributes:
      size: height and width, in pixels.
      mirrored: whether left and right are exchanged.
    """

    size: tuple[int, int]
    mirrored: bool = False


def align(
    scores: Sequence[jax.Array], views: Sequence[View], stride: int, signs: Sequence[float]
) -> list[jax.Array]:
    """Interpolates the scores of every view to the samples of the largest view.

    Args:
      scores: for each view float32 (N, h, w, C), which lie at the pixels 0, stride, ... of it.
      views: the views.
      stride: of the scores, in pixels.
      signs: factors on the channels of a mirrored view; empty for 1.
    """
    sizes = [view.size for view in views]
    finest = sizes.index(max(sizes))
    target = scores[finest].shape[1:3]

    def align_view(scores: jax.Array, view: View) -> jax.Array:
        # Corners coincide, as in the interpolation of results to the size of the photograph.
        rows, columns = (
            np.arange(samples) * stride * (side - 1) / max(1, full - 1)
            for samples, side, full in zip(target, view.size, sizes[finest], strict=True)
        )
        if view.mirrored:
            columns = view.size[1] - 1 - columns
        aligned = resample(scores, rows / stride, columns / stride)
        if view.mirrored and signs:
            aligned *= jnp.array(signs, aligned.dtype).reshape(1, 1, 1, -1)
        return aligned

    return [align_view(*pair) for pair in zip(scores, views, strict=True)]


def mean(maps: Sequence[jax.Array]) -> jax.Array:
    """The mean of maps of equal shape."""
    return functools.reduce(jnp.add, maps) / len(maps)


def mean_probability(scores: Sequence[jax.Array]) -> jax.Array:
    """Returns scores (N, h, w, C) whose softmax is the mean of the softmax of all `scores`."""
    logarithms = (jax.nn.log_softmax(view) for view in scores)
    return functools.reduce(jnp.logaddexp, logarithms) - np.log(len(scores))
