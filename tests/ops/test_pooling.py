"""Average pooling, compared with literal windows and `scipy.ndimage`."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from ubernet_jax.ops.pooling import average_pool, shifted_slices


def test_zero_padding_counts_in_the_mean():
    x = jnp.arange(1.0, 10).reshape(1, 3, 3, 1)
    np.testing.assert_allclose(average_pool(x, 2)[0, :, :, 0] * 9, [[12, 16], [24, 28]], rtol=1e-6)


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_average_pooling_equals_filtering_and_subsampling(stride):
    x = np.random.default_rng(0).normal(size=(2, 9, 17, 3)).astype(np.float32)
    mean = scipy.ndimage.uniform_filter(x, (1, 3, 3, 1), mode='constant')
    np.testing.assert_allclose(average_pool(x, stride), mean[:, ::stride, ::stride], atol=1e-6)


def test_shifted_slices_of_a_row():
    slices = shifted_slices(jnp.array([1.0, 2, 3, 4]), axis=0, stride=2, window=3, padding=-1)
    np.testing.assert_array_equal(slices, [[-1, 2], [1, 3], [2, 4]])
