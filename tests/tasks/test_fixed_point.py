"""Tests the numbers that leave the device as 16-bit integers."""

import jax
import numpy as np

from ubernet_jax.tasks.fixed_point import to_fixed_point
from ubernet_jax.tasks.strips import ROWS, join_strips


def test_numbers_come_back_nearly_exact_and_nan_stays_nan():
    values = np.random.default_rng(0).uniform(-1, 1, (2 * ROWS, 70, 3)).astype(np.float32)
    values[0, 0] = 1, -1, 0
    values[ROWS + 1, 2, 0] = np.nan
    values[1, 0] = 1 + 1e-6, 3e-5, 1e-9  # the length of a vector is rounded, too
    strips = [(to_fixed_point(half),) for half in np.split(values, 2)]
    (joined,) = join_strips(jax.device_get(strips), (ROWS + 40, 65))
    assert joined.dtype == np.float32 and joined.shape == (ROWS + 40, 65, 3)
    np.testing.assert_array_equal(joined[0, 0], [1, -1, 0])
    np.testing.assert_array_equal(np.isnan(joined), np.isnan(values[: ROWS + 40, :65]))
    np.testing.assert_allclose(joined, values[: ROWS + 40, :65], rtol=0, atol=0.51 / 32767)
