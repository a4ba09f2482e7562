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

    The maxima of all windows of 1, 2, 4, ... rows are computed first. The rows of any bin are those
    of two such windows, which may overlap: a maximum does not change when a cell counts twice. The
    columns are visited one by one, as many as the largest bin can have. So there is no loop with a
    number of trips that depends on the data, for which an accelerator would wait.

    With dilation 2, every second row and column of each bin is used, from the first within the map:
    `is_rich` of the release of UberNet, whose model/test.prototxt sets it with a spatial scale of
    1/8 (caffe-fast-rcnn/src/caffe/layers/roi_pooling_layer.cu in github.com/jkokkin/UberNet). That
    is not the pooling of every second row and column of the map: bins that begin at an odd cell use
    the cells that a network of stride 16 does not have.

    Args:
      features: (h, w, C).
      rois: (R, 4), at most as large as the map; larger regions may lose cells.
      size: S, bins along a side.
      stride: image pixels per cell of `features`.
      dilation: distance of the cells of a bin that are used.

    Returns:
      (R, S, S, C); 0 in bins outside the map.
    """
    height, width, channels = features.shape
    top, bottom = _bins(rois[:, 1], rois[:, 3], size, stride, height)
    left, right = _bins(rois[:, 0], rois[:, 2], size, stride, width)
    values, rows = (
        table.reshape(-1, channels)
        for table in _window_maxima(
            lax.stop_gradient(features), _largest_bin(height, size, dilation), dilation
        )
    )
    maxima = None
    for offset in range(_largest_bin(width, size, dilation)):
        # One column after the other: the values of a column take R * S * S * C elements.
        maxima, left = lax.optimization_barrier((maxima, left))
        column = (left + dilation * offset)[:, None]
        inside = (column < right[:, None])[..., None]
        for level, row in _two_windows(top, bottom, dilation, height):
            cell = (level * height + row)[:, :, None] * width + jnp.minimum(column, width - 1)
            value = jnp.where(inside, values[cell], -jnp.inf)
            found = value, rows[cell].astype(jnp.int32) * width + column[..., None]
            maxima = found if maxima is None else _larger(maxima, found)
    assert maxima is not None
    _, argmax = maxima
    # The gradient flows through this lookup of the maxima.
    # A single index for each element takes the least memory.
    channel = jnp.arange(channels).reshape(1, 1, 1, channels)
    pooled = features.reshape(-1)[argmax * channels + channel]
    is_filled = (top < bottom)[:, :, None, None] & (left < right)[:, None, :, None]
    return jnp.where(is_filled, pooled, 0)


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


def _largest_bin(cells: int, size: int, dilation: int) -> int:
    """Returns how many cells of a bin are used at most, along an axis of `cells` cells."""
    return -(-min(-(-cells // size) + 1, cells) // dilation)


def _window_maxima(cells: Array, longest: int, dilation: int) -> tuple[Array, Array]:
    """Returns the maxima of the windows of 1, 2, 4, ... rows that start at each cell.

    Args:
      cells: (h, w, C).
      longest: two windows, which may overlap, must have this number of rows.
      dilation: distance of the rows of a window.

    Returns:
      The maxima (K, h, w, C) for K sizes of windows, and their rows, int16; of equal values the
      first.
    """
    height = len(cells)
    row = jnp.arange(height, dtype=jnp.int16).reshape(-1, 1, 1)
    tables = [(cells, jnp.broadcast_to(row, cells.shape))]
    for level in range(longest.bit_length() - 1):
        shift = dilation << level
        value, row = tables[-1]
        padding = [(0, min(shift, height)), (0, 0), (0, 0)]
        later = (
            jnp.pad(value[shift:], padding, constant_values=-jnp.inf),
            jnp.pad(row[shift:], padding, constant_values=height - 1),
        )
        tables.append(_larger(tables[-1], later))
    values, rows = (jnp.stack(arrays) for arrays in zip(*tables, strict=True))
    return values, rows


def _two_windows(
    start: Array, end: Array, dilation: int, height: int
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Returns two windows, as (level, first row), that together have the rows of each bin.

    Args:
      start: int32 (R, S), the first row.
      end: int32 (R, S), the first row after the bin.
      dilation: distance of the rows of a bin that are used.
      height: of the map.
    """
    count = jnp.maximum(-(-(end - start) // dilation), 1)
    level = 31 - lax.clz(count)  # 2**level is at most `count`
    last = start + (count - (1 << level)) * dilation
    return (level, jnp.minimum(start, height - 1)), (level, jnp.clip(last, 0, height - 1))


def _larger(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Returns the larger of two values with its index; of equal ones, that of the lower index."""
    (value_a, index_a), (value_b, index_b) = a, b
    is_a = (value_a > value_b) | ((value_a == value_b) & (index_a < index_b))
    return jnp.where(is_a, value_a, value_b), jnp.where(is_a, index_a, index_b)


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
