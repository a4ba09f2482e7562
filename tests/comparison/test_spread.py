"""Spreads over seeds, compared with values computed by hand."""

import math

import pytest

from ubernet_jax.comparison.spread import Interval, Spread


def test_the_interval_is_that_of_students_t():
    spread = Spread.of([1, 2, 3])
    assert (spread.mean, spread.deviation) == (2, 1)
    half_width = 4.302653 / math.sqrt(3)  # the quantile .975 of t with 2 degrees of freedom
    assert spread.interval == pytest.approx((2 - half_width, 2 + half_width))


def test_a_single_run_has_no_deviation_and_no_interval():
    assert Spread.of([7.5]) == (7.5, None, None)


def test_the_interval_of_equal_runs_is_their_value():
    assert Spread.of([4, 4]) == (4, 0, Interval(4, 4))
