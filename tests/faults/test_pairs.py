"""Two commands at once, in one workdir or for one dataset: one is refused, or both are right.

In the long form 20 pairs start at once or a little apart, so that they meet in all phases.
"""

import json
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from helpers.commands import call_main
from helpers.moments import last_step, wait_until
from helpers.scorer import Scorer, line, save, save_bsds
from helpers.tiny_datasets import write_folder
from helpers.training import Process, finish
from ubernet_jax import evaluate, export
from ubernet_jax.comparison.runs import read_run
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.doctor.dataset_report import find_errors
from ubernet_jax.errors import UserError
from ubernet_jax.locks import lock_file, lock_folder
from ubernet_jax.weights import __main__ as weights
from ubernet_jax.weights import trained
from ubernet_jax.weights.exported import read_file

ENDLESS = ('--config.steps=1000000', '--config.checkpoint_every=1')
DELAYS = (0.0, 0.4, 3.0)  # seconds between the two commands


@pytest.fixture
def command() -> Iterator[Callable[..., Process]]:
    """Starts `python -m ubernet_jax.MODULE`; kills what is left after the test."""
    processes = []

    def start(module: str, *arguments: object) -> Process:
        words = [sys.executable, '-m', f'ubernet_jax.{module}', *map(str, arguments)]
        processes.append(Process(words, {**os.environ}))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def outcome(*processes: Process) -> list[int]:
    """Waits; returns the exit codes in order. A refused command must say by whom and leave it."""
    for process in processes:
        process.wait(timeout=300)
        output = process.output()
        print(process.args[2], process.returncode, output.splitlines()[-1])
        assert 'Traceback' not in output, output
        if process.returncode:
            assert f'in use by process {[p.pid for p in processes if p != process][0]} on' in output
    return sorted(process.returncode for process in processes)


def assert_no_rubbish(folder: pathlib.Path) -> None:
    names = {path.name for path in folder.rglob('.*')}
    assert names == set(), names


def soak(*delays: float) -> list:
    return [pytest.param(delay, marks=pytest.mark.soak) for delay in delays]


@pytest.mark.parametrize('delay', soak(0.0, 0.4, 3.0))
def test_two_trainings(delay, start, config, tmp_path, assert_same_end, undisturbed):
    steps = f'--config.steps={config.steps}'
    first = start(tmp_path / 'run', steps, '--config.log_every=1', '--config.name=first')
    time.sleep(delay)
    second = start(tmp_path / 'run', steps, '--config.log_every=1', '--config.name=second')
    assert outcome(first, second) == [0, 2]
    name = 'first' if first.returncode == 0 else 'second'
    facts = json.loads((tmp_path / 'run' / 'provenance.json').read_text())
    assert f'--config.name={name}' in facts['command']
    assert json.loads((tmp_path / 'run' / 'config.json').read_text())['name'] == name
    assert last_step(tmp_path / 'run') == config.steps
    assert len((tmp_path / 'run' / 'log.jsonl').read_text().splitlines()) == config.steps
    assert_same_end(tmp_path / 'run', undisturbed)
    assert_no_rubbish(tmp_path)


@pytest.mark.parametrize('delay', [pytest.param(0.0, marks=pytest.mark.slow), *soak(0.4, 1.0)])
def test_two_preparations(delay, command, tmp_path):
    write_folder(tmp_path)
    words = ['folder/tiny', '--source', tmp_path, '--directory', tmp_path / 'prepared']
    first = command('prepare', *words)
    time.sleep(delay)
    assert outcome(first, command('prepare', *words)) in ([0, 2], [0, 0])
    builder = make_builder('folder/tiny', tmp_path / 'prepared')
    assert find_errors(builder) == []
    for split, info in builder.info.splits.items():
        shards = pathlib.Path(builder.data_path).glob(f'*-{split}.array_record*')
        assert info.num_bytes == sum(path.stat().st_size for path in shards)
    assert_no_rubbish(tmp_path)


@pytest.mark.slow
def test_a_network_is_read_from_a_newer_checkpoint_if_the_training_removes_its_own(
    stopped, monkeypatch
):
    checkpoints, read = stopped / 'checkpoints', trained.reading

    def save_and_remove(folder: pathlib.Path):
        """As a training does between listing and reading."""
        if folder.name == '3':
            folder.rename(checkpoints / '4')
        return read(folder)

    monkeypatch.setattr(trained, 'reading', save_and_remove)
    assert trained.open_checkpoint(stopped).step == 4
    (checkpoints / '4').rename(checkpoints / '3')
    with pytest.raises(UserError, match=r'3: no such checkpoint'):
        trained.open_checkpoint(checkpoints / '3')


@pytest.mark.slow
@pytest.mark.parametrize('main', [evaluate.main, export.main, weights.main])
def test_a_second_command_is_refused_before_it_writes(main, stopped, tmp_path):
    out = tmp_path / 'network.safetensors'
    words = {
        evaluate.main: ['--checkpoint', stopped],
        export.main: [stopped],
        weights.main: ['export', '--checkpoint', stopped],
    }[main]
    lock = lock_file if main is weights.main else lock_folder
    with lock(out, ''):
        before = set(tmp_path.rglob('*'))
        with pytest.raises(UserError, match=f'{out} is in use by process {os.getpid()} .*--out'):
            call_main(main, *words, '--out', out)
        assert set(tmp_path.rglob('*')) == before


@pytest.fixture
def training(start, stopped) -> Iterator[Process]:
    """A training that saves every step, and removes all but three checkpoints."""
    process = start(stopped, *ENDLESS)
    wait_until(lambda: last_step(stopped) >= 8, process)
    yield process
    process.terminate()
    finish(process)


@pytest.mark.soak
@pytest.mark.parametrize('delay', DELAYS)
def test_evaluation_during_training(delay, training, command, stopped):
    time.sleep(delay)
    process = command('evaluate', '--checkpoint', stopped)
    assert outcome(process) == [0]
    (folder,) = (stopped / 'results').iterdir()
    assert read_run(folder).step == int(folder.name) >= 8


@pytest.mark.soak
@pytest.mark.parametrize('delay', DELAYS[:2])
def test_export_during_training(delay, training, command, stopped, tmp_path):
    time.sleep(delay)
    file = tmp_path / 'out.safetensors'
    assert outcome(command('weights', 'export', '--checkpoint', stopped, '--out', file)) == [0]
    assert read_file(file).step >= 8


@pytest.mark.soak
def test_reading_networks_during_training(training, stopped):
    steps = [trained.open_checkpoint(stopped).step for _ in range(100)]
    assert steps == sorted(steps) and steps[-1] > steps[0]


@pytest.mark.soak
@pytest.mark.parametrize('delay', DELAYS[:2])
def test_two_evaluations(delay, command, stopped):
    first = command('evaluate', '--checkpoint', stopped)
    time.sleep(delay)
    second = command('evaluate', '--checkpoint', stopped)
    assert outcome(first, second) in ([0, 2], [0, 0])
    assert set(read_run(stopped).tasks) == {'normals', 'segmentation'}
    assert_no_rubbish(stopped / 'results')


@pytest.mark.soak
@pytest.mark.parametrize('delay', DELAYS[:2])
def test_two_exports_to_one_file(delay, command, stopped, tmp_path):
    file = tmp_path / 'out' / 'network.safetensors'
    words = ['export', '--checkpoint', stopped, '--out', file, '--dtype']
    first = command('weights', *words, 'float32')
    time.sleep(delay)
    second = command('weights', *words, 'float16')
    assert outcome(first, second) in ([0, 2], [0, 0])
    assert trained.open_checkpoint(file).step == 3
    assert_no_rubbish(tmp_path / 'out')


@pytest.mark.soak
def test_two_exports_to_one_folder(command, stopped, tmp_path):
    words = [stopped, '--size', '33x65', '--out', tmp_path / 'out', '--weights']
    assert outcome(command('export', *words, 'inside'), command('export', *words, 'outside')) == [
        0,
        2,
    ]
    report = json.loads((tmp_path / 'out' / 'export.json').read_text())
    assert (report['weights'] == 'outside') == (tmp_path / 'out' / 'weights.safetensors').exists()
    assert report['program']['bytes'] == (tmp_path / 'out' / 'network.stablehlo').stat().st_size
    assert_no_rubbish(tmp_path / 'out')


@pytest.mark.soak
@pytest.mark.parametrize('delay', DELAYS[:2])
def test_evaluation_and_export(delay, command, stopped, tmp_path):
    file = tmp_path / 'network.safetensors'
    first = command('evaluate', '--checkpoint', stopped)
    time.sleep(delay)
    second = command('weights', 'export', '--checkpoint', stopped, '--out', file)
    assert outcome(first, second) == [0, 0]
    assert read_file(file).step == 3
    assert read_run(stopped).step == 3


@pytest.mark.soak
@pytest.mark.parametrize('delay', DELAYS[:2])
def test_two_scorings_to_one_file(delay, command, tmp_path):
    scorer = Scorer(tmp_path)
    for number in range(8, 32):
        save_bsds(scorer.truths / f'{number}.mat', line(number))
        save(scorer.predictions / f'{number}.png', line(number) * np.uint8(200))
    words = ['boundaries', scorer.predictions, scorer.truths, '--json', scorer.json]
    words += ['--processes', 1, '--thresholds']
    first = command('metrics', *words, 9)
    time.sleep(delay)
    second = command('metrics', *words, 5)
    assert outcome(first, second) in ([0, 2], [0, 0])
    scores = json.loads(scorer.json.read_text())
    assert scores['images'] == 24 and scores['ods'] == 1
    assert list(scorer.json.parent.iterdir()) == [scorer.json]
