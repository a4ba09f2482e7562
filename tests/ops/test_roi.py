"""RoI max pooling and RoIAlign, compared with ramps, loops over cells and `scipy.ndimage`."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from jax.test_util import check_grads

from ubernet_jax.ops import roi
from ubernet_jax.ops.custom_vjp.convolution import convolve

max_pool = jax.jit(roi.roi_max_pool, static_argnames=('size', 'stride', 'dilation'))
align = jax.jit(roi.roi_align, static_argnames=('size', 'stride', 'samples'))

RAMP = jnp.arange(1.0, 26).reshape(5, 5, 1)


def half_up(x: float) -> int:
    return math.floor(x + 0.5)


def cells_of_bin(low: float, high: float, index: int, size: int, stride: int) -> range:
    """The cells of a bin as defined by Fast R-CNN, along an axis."""
    first, last = half_up(low / stride), half_up((high - 1) / stride)
    length = max(last - first + 1, 1) / size
    return range(first + math.floor(index * length), first + math.ceil((index + 1) * length))


def pool_by_loops(features, rois, size, stride, dilation=1) -> tuple[np.ndarray, np.ndarray]:
    """Maxima (R, S, S, C) and their indices in the flattened features, -1 in empty bins."""
    height, width, channels = features.shape
    maxima = np.zeros((len(rois), size, size, channels), np.float32)
    indices = np.full(maxima.shape, -1)
    for r, p, q, c in np.ndindex(*maxima.shape):
        x1, y1, x2, y2 = rois[r].tolist()
        rows, columns = (
            [cell for cell in cells_of_bin(low, high, i, size, stride) if 0 <= cell < limit]
            for low, high, i, limit in ((y1, y2, p, height), (x1, x2, q, width))
        )
        cells = [
            (row * width + column) * channels + c
            for row in rows[::dilation]
            for column in columns[::dilation]
        ]
        if cells:
            index = max(cells, key=lambda cell: (features.ravel()[cell], -cell))
            indices[r, p, q, c], maxima[r, p, q, c] = index, features.ravel()[index]
    return maxima, indices


def random_rois(rng: np.random.Generator, height: int, width: int, count: int) -> np.ndarray:
    """Boxes in multiples of half a pixel, partly outside the image, with corners in any order.

    None is larger than the image.
    """
    y, x = (rng.integers(-12, 2 * side + 12, (2, count)) / 2 for side in (height, width))
    y[1], x[1] = (
        low + np.clip(high - low, -side, side) for (low, high), side in ((y, height), (x, width))
    )
    return np.stack([x[0], y[0], x[1], y[1]], 1)


def test_pooling_of_a_ramp():
    rois = [
        [0, 0, 33, 33],  # the full map: rows 0..2 and 2..4, the same for columns
        [9, 0, 28, 20],  # columns 1..3, rows 0..2: the bins overlap in the middle cell
        [17, 25, 18, 26],  # one cell, column 2 and row 3, in every bin
        [-16, 0, 16, 8],  # columns -2..2; -2 and -1 are outside
        [40, 0, 56, 8],  # right of the map
        [-16, -30, 20, -9],  # above the map
        [20, 8, 20, 8],  # no area, but rounded to a cell: column 3, row 1
    ]
    pooled = max_pool(RAMP, jnp.array(rois, jnp.float32), size=2)
    expected = [
        [[13, 15], [23, 25]],
        [[8, 9], [13, 14]],
        [[18, 18], [18, 18]],
        [[1, 3], [6, 8]],
        [[0, 0], [0, 0]],
        [[0, 0], [0, 0]],
        [[9, 9], [9, 9]],
    ]
    np.testing.assert_array_equal(pooled[..., 0], expected)


@pytest.mark.parametrize('dilation', [1, 2, 3])
def test_pooling_and_its_gradient_equal_those_of_loops(dilation):
    """A map with ties and negative maxima."""
    rng = np.random.default_rng(0)
    features = rng.integers(-30, 3, (9, 13, 2)).astype(np.float32)
    rois = random_rois(rng, 65, 97, 60).astype(np.float32)
    maxima, indices = pool_by_loops(features, rois, 3, 8, dilation)
    weights = rng.normal(size=maxima.shape).astype(np.float32)

    @jax.jit
    def pool(features):
        pooled, gradient = jax.vjp(
            lambda features: max_pool(features, rois, 3, dilation=dilation), features
        )
        return pooled, gradient(jnp.array(weights))[0]

    pooled, gradient = pool(jnp.array(features))
    assert (indices == -1).any() and (indices >= 0).any()
    np.testing.assert_array_equal(pooled, maxima)
    expected = np.zeros(features.size)
    np.add.at(expected, indices[indices >= 0], weights[indices >= 0])
    np.testing.assert_allclose(gradient.ravel(), expected, atol=1e-5)


def test_dilated_pooling_starts_at_the_first_cell_of_each_bin():
    """Columns 1..4 of a row: the bins are 1..2 and 3..4, of which columns 1 and 3 are used."""
    row = jnp.array([[9.0, 1, 8, 2, 7, 9]])[..., None]
    rois = jnp.array([[8.0, 0, 33, 1]])
    dilated = max_pool(row, rois, size=2, dilation=2)
    np.testing.assert_array_equal(dilated[0, 0, :, 0], [1, 2])
    # Pooling every second column of the map, at stride 16, takes columns 2 and 4.
    subsampled = max_pool(row[:, ::2], rois, size=2, stride=16)
    np.testing.assert_array_equal(subsampled[0, 0, :, 0], [8, 7])


def test_every_second_row_and_column_of_dilated_features_gives_pooling_at_stride_16():
    rng = np.random.default_rng(2)
    x = jnp.array(rng.normal(size=(1, 9, 13, 3)), jnp.float32)
    kernel = jnp.array(rng.normal(size=(3, 3, 3, 4)), jnp.float32)
    rois = jnp.array(random_rois(rng, 65, 97, 20), jnp.float32)

    @jax.jit
    def pool_both(x):
        dilated = convolve(x, kernel, dilation=2)[0]
        subsampled = convolve(x[:, ::2, ::2], kernel)[0]
        return max_pool(dilated[::2, ::2], rois, stride=16), max_pool(subsampled, rois, stride=16)

    pooled, expected = pool_both(x)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(pooled, expected, rtol=1e-5, atol=1e-5)


def test_memory_does_not_grow_with_the_product_of_regions_and_map_size():
    shape, rois = (65, 65, 16), jnp.ones((96, 4))
    gradient = jax.jit(jax.grad(lambda features: max_pool(features, rois).sum()))
    compiled = gradient.lower(jnp.ones(shape)).compile()
    temporary = compiled.memory_analysis().temp_size_in_bytes
    assert 0 < temporary < 4 * len(rois) * math.prod(shape) / 4


def test_aligned_bins_of_a_plane_are_its_values_at_the_bin_centres():
    row, column = np.mgrid[:9, :13] * 8 + 0.5  # the centre of pixel 8 i
    plane = jnp.array(3 * row - 2 * column, jnp.float32)[..., None]
    rois = jnp.array([[3, 5, 31, 61.5], [40, 10, 47, 38], [88, 50, 96, 64]])
    aligned = align(plane, rois, size=4)
    for (x1, y1, x2, y2), result in zip(rois.tolist(), aligned, strict=True):
        y, x = (low + (high - low) * (np.arange(4) + 0.5) / 4 for low, high in ((y1, y2), (x1, x2)))
        np.testing.assert_allclose(result[..., 0], 3 * y[:, None] - 2 * x, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(('size', 'samples'), [(7, 2), (3, 1), (2, 3)])
def test_align_equals_sampling_and_averaging(size, samples):
    rng = np.random.default_rng(3)
    features = rng.normal(size=(5, 6, 2)).astype(np.float32)
    rois = random_rois(rng, 33, 41, 10).astype(np.float32)
    expected = []
    for x1, y1, x2, y2 in rois:
        share = (np.arange(size * samples) + 0.5) / (size * samples)
        y, x = ((low + (high - low) * share - 0.5) / 8 for low, high in ((y1, y2), (x1, x2)))
        points = np.meshgrid(y, x, indexing='ij')
        channels = [
            scipy.ndimage.map_coordinates(features[..., c], points, order=1, mode='nearest')
            for c in range(2)
        ]
        expected.append(
            np.stack(channels, -1).reshape(size, samples, size, samples, 2).mean((1, 3))
        )
    aligned = align(jnp.array(features), jnp.array(rois), size, samples=samples)
    np.testing.assert_allclose(aligned, expected, atol=1e-5)


def test_gradients_of_align():
    features = jnp.array(np.random.default_rng(4).normal(size=(4, 5, 2)), jnp.float32)
    rois = jnp.array([[3.3, 5.1, 21.7, 14.6]])
    check_grads(
        lambda features, rois: align(features, rois, size=2),
        (features, rois),
        1,
        ('rev',),
        0.02,
        0.02,
    )
