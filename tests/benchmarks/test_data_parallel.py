"""The model of a data-parallel step: the formula by hand-computed values, and the simulation."""

import numpy as np
import pytest

from benchmarks import data_parallel
from benchmarks.data_parallel import Links
from ubernet_jax.errors import UserError

PAIRS = Links(machine=2, within=100, between=50, latency=0.5)


def test_a_ring_of_two_sends_two_halves():
    # 2 (n - 1) / n x 1000 bytes at 100 bytes per second, and two hops of half a second.
    assert data_parallel.ring_seconds(2, 1000, bandwidth=100, latency=0.5) == 10 + 1
    assert data_parallel.all_reduce_seconds(2, 1000, PAIRS) == 11
    assert data_parallel.all_reduce_seconds(1, 1000, PAIRS) == 0


def test_each_device_sends_its_part_to_other_machines():
    # Four devices in two machines: within as above, between 500 bytes each, in two hops of 250.
    assert data_parallel.all_reduce_seconds(4, 1000, PAIRS) == 11 + 2 * (250 / 50 + 0.5)


@pytest.mark.parametrize('devices', [1, 2, 3, 8, 16, 64])
def test_the_simulation_without_jitter_equals_the_formula(devices):
    links = Links(machine=8, within=450e9, between=50e9, latency=1e-5)
    simulated = data_parallel.simulate(np.full((3, devices), 0.013), 572e6, links)
    expected = 0.013 + data_parallel.all_reduce_seconds(devices, 572e6, links)
    np.testing.assert_allclose(simulated, expected, rtol=1e-12)


@pytest.mark.parametrize('slowest', range(4))
def test_all_devices_wait_for_the_slowest(slowest):
    compute = np.ones((2, 4))
    compute[1, slowest] = 3
    assert data_parallel.simulate(compute, 1000, PAIRS).tolist() == [1 + 22, 3 + 22]


def test_a_step_is_described():
    row = data_parallel.describe_step(6, 4, compute=11, nbytes=1000, links=PAIRS, jitter=0)
    assert (row['all-reduce ms'], row['step ms']) == (22_000, 33_000)
    assert row['computing %'] == pytest.approx(100 / 3) and row['images/s'] == 4 * 6 / 33
    assert row['speed-up'] == pytest.approx(4 / 3)
    assert row['simulated step ms'] == row['step ms']


def test_jitter_costs_more_with_more_devices():
    on_1, on_2, on_64 = (data_parallel.jittered(1, n, 0.1).max(1).mean() for n in (1, 2, 64))
    # The maximum of 64 normal numbers is 2.4 on average: exp(.1 x 2.4).
    assert on_1 < on_2 < on_64 and on_64 == pytest.approx(1.27, abs=0.02)


def test_most_devices_that_compute_for_half_of_the_step():
    # The all-reduce takes 11 s on two devices, 22 s on four.
    most = [data_parallel.most_devices(compute, 1000, PAIRS) for compute in (10.9, 11, 21.9, 22)]
    assert most == [1, 2, 2, 4]


def test_machines_must_be_full():
    with pytest.raises(UserError, match='3 .* 2.*--devices'):
        data_parallel.all_reduce_seconds(3, 1000, PAIRS)
