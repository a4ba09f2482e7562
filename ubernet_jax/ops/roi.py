"""Features of a fixed size for regions of any size: RoI max pooling and RoIAlign.

Shape letters: R regions of interest (boxes as defined in `ops.boxes`, in image pixels), S x S bins
per region, feature maps (h, w, C) whose cell i lies at image pixel i * stride.
"""

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


def roi_max_pool(
    features: Array, rois: Array, size: int = 7, stride: int = 8, dilation: int = 1
) -> Array:
    """RoI max pooling (Fast R-CNN, arXiv 1504.08083, section 2.1).

    A region is rounded to whole cells, at least one. Bins also consist of whole cells, and overlap
    if the cells cannot be divided evenly. The gradient flows to the maximum; to the first in case
    of ties.

    With dilation 2, every second row and column of each bin is used, from the first within the map:
    `is_rich` of the release of UberNet, whose model/test.prototxt sets it with a spatial scale of
    1/8 (caffe-fast-rcnn/src/caffe/layers/roi_pooling_layer.cu in github.com/jkokkin/UberNet). That
    is not the pooling of every second row and column of the map: bins that begin at an odd cell use
    the cells that a network of stride 16 does not have.

    Args:
      features: (h, w, C).
      rois: (R, 4).
      size: S, bins along a side.
      stride: image pixels per cell of `features`.
      dilation: distance of the cells of a bin that are used.

    Returns:
      (R, S, S, C); 0 in bins outside the map.
    """
    height, width, channels = features.shape
    top, bottom = _bins(rois[:, 1], rois[:, 3], size, stride, height)
    left, right = _bins(rois[:, 0], rois[:, 2], size, stride, width)
    cells = lax.stop_gradient(features).reshape(height * width, channels)

    def visit(offset: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        """Compares the current maxima with the next cell of every bin."""
        largest, argmax = state
        row, column = top + dilation * (offset // widest), left + dilation * (offset % widest)
        inside = (row < bottom)[:, :, None] & (column < right)[:, None]
        cell = jnp.where(inside, row[:, :, None] * width + column[:, None], 0)
        value = cells[cell]
        larger = inside[..., None] & (value > largest)
        return jnp.where(larger, value, largest), jnp.where(larger, cell[..., None], argmax)

    shape = (len(rois), size, size, channels)
    sides = ((top, bottom), (left, right))
    highest, widest = (-(-(end - start).max() // dilation) for start, end in sides)
    start = (jnp.full(shape, -jnp.inf), jnp.zeros(shape, jnp.int32))
    largest, argmax = lax.fori_loop(0, highest * widest, visit, start)
    # The gradient flows through this lookup of the maxima.
    maxima = jnp.take_along_axis(
        features.reshape(-1, channels), argmax.reshape(-1, channels), 0, mode='promise_in_bounds'
    )
    return jnp.where(largest > -jnp.inf, maxima.reshape(shape), 0)


def roi_align(
    features: Array, rois: Array, size: int = 7, stride: int = 8, samples: int = 2
) -> Array:
    """RoIAlign (Mask R-CNN, arXiv 1703.06870, section 3), without any rounding.

    Each bin is the mean of `samples` x `samples` regularly spaced points, interpolated bilinearly.
    Cell i lies at the centre of pixel i * stride, which is the coordinate i * stride + 0.5. Points
    beyond the outermost cells take the values of these cells.

    Args:
      features: (h, w, C).
      rois: (R, 4).
      size: S, bins along a side.
      stride: image pixels per cell of `features`.
      samples: points along a side of a bin.

    Returns:
      (R, S, S, C), differentiable in features and regions.
    """
    height, width, _ = features.shape
    rows = _interpolation(rois[:, 1], rois[:, 3], size, stride, samples, height)
    columns = _interpolation(rois[:, 0], rois[:, 2], size, stride, samples, width)
    return jnp.einsum('rph,hwc,rqw->rpqc', rows, features, columns)


def _bins(low: Array, high: Array, size: int, stride: int, cells: int) -> tuple[Array, Array]:
    """Returns the first cell of each bin and the first cell after it, int32 (R, S), for an axis."""
    # Fast R-CNN rounds the coordinate of the last pixel, not the exclusive end.
    first, last = (jnp.floor(x / stride + 0.5).astype(jnp.int32) for x in (low, high - 1))
    count = jnp.maximum(last - first + 1, 1)[:, None]
    edge = jnp.arange(size + 1)[None] * count
    start, end = edge[:, :-1] // size, -(-edge[:, 1:] // size)
    return jnp.clip(first[:, None] + start, 0, cells), jnp.clip(first[:, None] + end, 0, cells)


def _interpolation(
    low: Array, high: Array, size: int, stride: int, samples: int, cells: int
) -> Array:
    """Returns the weight (R, S, cells) of each cell in each bin, for an axis."""
    share = (jnp.arange(size * samples) + 0.5) / (size * samples)
    point = low[:, None] + (high - low)[:, None] * share[None]
    position = jnp.clip((point - 0.5) / stride, 0, cells - 1)
    weights = jnp.maximum(1 - jnp.abs(position[..., None] - jnp.arange(cells)[None, None]), 0)
    return weights.reshape(-1, size, samples, cells).mean(2)
