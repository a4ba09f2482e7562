"""The computations of the benchmarks, and short runs of them; the results are in benchmarks/."""

import json
import re
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image

from benchmarks import predict
from benchmarks.gradient_magnitude import gradient_magnitude
from benchmarks.hed import ROWS, load_weights
from benchmarks.input import WARM_UP, Speeds, measure_reading, read_training_speed
from ubernet_jax.batch import Batch
from ubernet_jax.errors import UserError

pytestmark = pytest.mark.slow


def test_the_gradient_magnitude_of_a_full_step_is_1():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 255
    strength = gradient_magnitude(image)
    assert strength[20].argmax() in (19, 20)
    assert strength.max() == pytest.approx(1, abs=0.05)
    assert strength[:, :5].max() < 1e-3
    assert gradient_magnitude(image // 5).max() == pytest.approx(0.2, abs=0.01)


def test_reading_is_timed_after_the_warm_up(monkeypatch):
    batch = Batch(
        image=np.zeros((3, 4, 4, 3)),
        image_sizes=np.ones((3, 2)),
        scales=np.ones((3, 2)),
        targets={},
        labelled={},
        taught={},
    )
    clock = iter([100.0, 104.0])
    monkeypatch.setattr(time, 'perf_counter', lambda: next(clock))
    steps = [[batch, batch]] * (WARM_UP + 20)
    assert measure_reading(steps, workers=0, count=20) == 120 / 4


def test_the_training_speed_is_read_from_the_log(tmp_path):
    lines = [{'step': 1, 'images_per_second': 0.5}, {'step': 2, 'parts': 0.1}]
    lines += [{'step': 3, 'images_per_second': speed} for speed in (4.0, 5.0)]
    with pytest.raises(UserError, match=r'log\.jsonl.*--workdir'):
        read_training_speed(tmp_path)
    (tmp_path / 'log.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    assert read_training_speed(tmp_path) == 4
    (tmp_path / 'log.jsonl').write_text(json.dumps(lines[1]))
    with pytest.raises(UserError, match=r'log\.jsonl.*images_per_second'):
        read_training_speed(tmp_path)


def test_the_speeds_are_compared():
    text = str(Speeds(read={1: 30.0, 2: 55.0}, trained=4.0))
    assert re.search(r'4\.00.* 1 .*30\.0 \(7\.5 .* 2 .*55\.0 \(13\.8 ', text)


def test_prediction_is_compared_with_the_network_alone(exported, tmp_path, monkeypatch):
    Image.new('RGB', (40, 30)).save(tmp_path / 'photo.png')
    words = ['--checkpoint', exported, exported, '--photograph', tmp_path / 'photo.png']
    words += ['--rounds', 2, '--json', tmp_path / 'predict.json']
    monkeypatch.setattr(sys, 'argv', ['predict', *map(str, words)])
    predict.main()
    report = json.loads((tmp_path / 'predict.json').read_text())
    assert report['photograph'] == [30, 40] and len(report['networks']) == 2
    for network in report['networks']:
        assert network['checkpoint'] == str(exported) and network['input'] == [33, 33]
        assert min(network['milliseconds'].values()) > 0 and network['ratio'] > 0


def test_the_boundary_benchmark_counts_every_match(tmp_path):
    boundary = np.zeros((40, 50), np.uint8)
    boundary[10, 8:42] = 1
    cells = np.empty((1, 2), object)
    cells[0, 0] = cells[0, 1] = {'Boundaries': boundary}
    maps, truths = tmp_path / 'maps', tmp_path / 'truths'
    maps.mkdir()
    truths.mkdir()
    for name in 'abc':
        Image.fromarray(boundary * np.uint8(200)).save(maps / f'{name}.png')
        scipy.io.savemat(truths / f'{name}.mat', {'groundTruth': cells})
    output = tmp_path / 'out' / 'timing.json'
    command = [sys.executable, '-m', 'benchmarks.boundaries', str(maps), str(truths)]
    options = ['--thresholds', '4', '--limit', '2', '--json', str(output)]
    run = subprocess.run([*command, *options], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    timing = json.loads(output.read_text())
    # Two images, four thresholds, two annotators; the strength .78 reaches three thresholds.
    assert (timing['images'], timing['matches'], timing['matched']) == (2, 16, 2 * 3 * 2 * 34)
    assert timing['whole_seconds'] > 0 and timing['peak_megabytes'] > 10


def test_the_weights_of_hed_are_assigned_to_their_layers(tmp_path):
    path = tmp_path / 'weights.h5'
    expected = {}

    def put(file: h5py.File, group: str, name: str) -> None:
        expected[name] = float(len(expected))
        file[f'{group}/vars/0'] = np.full((1, 1, 2, 3), expected[name])
        file[f'{group}/vars/1'] = np.full(3, expected[name])

    with h5py.File(path, 'w') as file:
        for number, row in enumerate(ROWS, 1):
            for index in range(row.convolutions):
                layer = f'conv2d_{index}' if index else 'conv2d'
                put(file, f'block{number}/layers/{layer}', f'{row.name}_{index + 1}')
            put(file, f'dsn{number}', f'score_{row.tap}')
        with pytest.raises(UserError, match=r'weights\.h5.*fuse'):
            load_weights(path)
        put(file, 'fuse', 'fuse')
    params = load_weights(path)
    layers = {
        name: layer for block in params.pop('trunk').values() for name, layer in block.items()
    }
    assert {name: layer['bias'][0] for name, layer in (layers | params).items()} == expected
    assert params['fuse']['kernel'].shape == (2, 3)  # a 1x1 convolution is a dense layer
