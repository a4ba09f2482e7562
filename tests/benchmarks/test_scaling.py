"""The model of data-parallel training: the formula by hand-computed values, and the simulation."""

import json
import pathlib
import sys
import time

import jax
import numpy as np
import pytest

from benchmarks import scaling, speed
from benchmarks.scaling import Links
from benchmarks.workload import SEVEN, make_config
from helpers.paths import ROOT
from ubernet_jax.config import Initialisation, ModelConfig
from ubernet_jax.errors import UserError

pytestmark = pytest.mark.slow

PAIRS = Links(machine=2, within=100, between=50, latency=0.5)
DOCUMENT = ROOT / 'docs/scaling.md'


def test_a_ring_of_two_sends_two_halves():
    # 2 (n - 1) / n x 1000 bytes at 100 bytes per second, and two hops of half a second.
    assert scaling.ring_seconds(2, 1000, bandwidth=100, latency=0.5) == 10 + 1
    assert scaling.all_reduce_seconds(2, 1000, PAIRS) == 11
    assert scaling.all_reduce_seconds(1, 1000, PAIRS) == 0


def test_each_device_sends_its_part_to_other_machines():
    # Four devices in two machines: within as above, between 500 bytes each, in two hops of 250.
    assert scaling.all_reduce_seconds(4, 1000, PAIRS) == 11 + 2 * (250 / 50 + 0.5)


@pytest.mark.parametrize('devices', [1, 2, 3, 8, 16, 64])
def test_the_simulation_without_jitter_equals_the_formula(devices):
    links = Links(machine=8, within=450e9, between=50e9, latency=1e-5)
    simulated = scaling.simulate(np.full((3, devices), 0.013), 572e6, links)
    expected = 0.013 + scaling.all_reduce_seconds(devices, 572e6, links)
    np.testing.assert_allclose(simulated, expected, rtol=1e-12)


@pytest.mark.parametrize('slowest', range(4))
def test_all_devices_wait_for_the_slowest(slowest):
    compute = np.ones((2, 4))
    compute[1, slowest] = 3
    assert scaling.simulate(compute, 1000, PAIRS).tolist() == [1 + 22, 3 + 22]


def test_a_step_is_described():
    row = scaling.describe_step(6, 4, compute=11, nbytes=1000, links=PAIRS, jitter=0)
    assert (row['all-reduce ms'], row['step ms']) == (22_000, 33_000)
    assert row['computing %'] == pytest.approx(100 / 3) and row['images/s'] == 4 * 6 / 33
    assert row['speed-up'] == pytest.approx(4 / 3)
    assert row['simulated step ms'] == row['step ms']


def test_jitter_costs_more_with_more_devices():
    on_1, on_2, on_64 = (scaling.jittered(1, n, 0.1).max(1).mean() for n in (1, 2, 64))
    # The maximum of 64 normal numbers is 2.4 on average: exp(.1 x 2.4).
    assert on_1 < on_2 < on_64 and on_64 == pytest.approx(1.27, abs=0.02)


def test_most_devices_that_compute_for_half_of_the_step():
    # The all-reduce takes 11 s on two devices, 22 s on four.
    most = [scaling.most_devices(compute, 1000, PAIRS) for compute in (10.9, 11, 21.9, 22)]
    assert most == [1, 2, 2, 4]


def test_machines_must_be_full():
    with pytest.raises(UserError, match='3 .* 2.*--devices'):
        scaling.all_reduce_seconds(3, 1000, PAIRS)


def test_the_document_has_the_parameters_of_the_network():
    model = ModelConfig(initialisation=Initialisation.RANDOM)
    groups = scaling.count_groups(make_config(SEVEN, model=model))
    assert scaling.group_table(groups, 4096) in DOCUMENT.read_text()


def test_the_report_of_the_speed_benchmark_is_read(tmp_path, monkeypatch):
    file = tmp_path / 'speed.json'
    case = speed.Case(name='training 33x65 float32', step=lambda: time.sleep(0.02))
    monkeypatch.setattr(speed, '_cases', lambda arguments, stack: [case])
    monkeypatch.setattr(sys, 'argv', ['speed', '--rounds', '1', '--json', str(file)])
    speed.main()
    seconds, device = scaling.read_image_seconds(file, (33, 65), 'float32')
    assert seconds == pytest.approx(case.seconds[0])
    assert device == jax.devices()[0].device_kind
    message = (
        "'training 33x65 bfloat16'.*'training 33x65 float32'.*"
        'python -m benchmarks.speed --sizes 33x65 --precisions bfloat16'
    )
    with pytest.raises(UserError, match=message):
        scaling.read_image_seconds(file, (33, 65), 'bfloat16')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'python -m benchmarks.speed --sizes 33x65'),
        ('milliseconds', 'JSON'),
        ('[1]', 'python -m benchmarks.speed --sizes 33x65'),
        ('{"device": "cpu", "rows": [{"name": "x"}]}', 'python -m benchmarks.speed'),
        ('{"device": "cpu", "rows": []}', "'training 33x65 float32'.*nothing"),
    ],
)
def test_a_wrong_report_of_the_speed_benchmark_is_refused(tmp_path, text, message):
    file = tmp_path / 'speed.json'
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=rf'speed\.json.*{message}'):
        scaling.read_image_seconds(file, (33, 65), 'float32')


@pytest.mark.parametrize(
    ('words', 'seconds', 'source'),
    [
        # 3 x 100 GFLOP at 50 % of 6 TFLOP/s.
        (['--share', '0.5', '--peak-tflops', '6'], 0.1, 'assumed, not measured: 300 GFLOP at 50 %'),
        (['--step-ms', '200'], 0.2, '--step-ms'),
        (['--speed', 'speed.json'], 0.05, 'measured on A card'),
    ],
)
def test_the_source_of_the_time_of_an_image_is_printed(
    tmp_path, monkeypatch, capsys, words, seconds, source
):
    monkeypatch.chdir(tmp_path)
    rows = [{'name': 'training 641x865 float32', 'milliseconds': 50}]
    pathlib.Path('speed.json').write_text(json.dumps({'device': 'A card', 'rows': rows}))
    parts = dict.fromkeys([scaling.SHARED, *SEVEN], (10, 40))
    monkeypatch.setattr(scaling, 'count_groups', lambda config: parts)
    monkeypatch.setattr(
        scaling, 'forward_flops', lambda config, size: 1e11 * (1 + ('detection' in config.tasks))
    )
    words = [*words, '--devices', '1', '8', '--json', 'scaling.json']
    monkeypatch.setattr(sys, 'argv', ['scaling', *words])
    scaling.main()
    printed = capsys.readouterr().out
    assert source in printed.splitlines()[0]
    assert ('assumed, not measured' in printed) == ('--share' in words)
    steps = json.loads(pathlib.Path('scaling.json').read_text())['steps']
    compute = {(row['tasks'], row['images a device']): row['compute ms'] for row in steps}
    assert compute == {
        ('seven tasks', 1): pytest.approx(2e3 * seconds),
        ('seven tasks', 4): pytest.approx(8e3 * seconds),
        ('six dense tasks', 1): pytest.approx(1e3 * seconds),
        ('six dense tasks', 4): pytest.approx(4e3 * seconds),
    }
