"""Runs on one device, on four, and on two processes with two each: the same parameters come out."""

import pathlib
import shutil
import subprocess
import sys

import jax
import numpy as np
import optax
import pytest

from helpers import tiny_config
from helpers.networks import read_state
from helpers.training import ROOT, finish, free_port, start_training
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID
from ubernet_jax.training.collation import add_absent_targets, collate
from ubernet_jax.training.parallel import make_mesh, shard
from ubernet_jax.weights.trained import open_checkpoint


def start(prepared: pathlib.Path, workdir: pathlib.Path, devices: int, steps: int, *more: str):
    """A training process with so many devices; every step makes one update of every group."""
    settings = [f'--config.steps={steps}', '--config.data.micro_batches_per_step=4']
    settings += ['--config.checkpoint_every=10', *more]
    xla = f'--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0'
    return start_training(prepared, workdir, *settings, xla=xla)


def assert_same(one: pathlib.Path, other: pathlib.Path) -> None:
    """Parameters and statistics to 1e-5 of each group's length, counters exactly."""
    states = [read_state(workdir) for workdir in (one, other)]
    assert [int(state.step) for state in states] == [20, 20]
    trees = [{**state.params, 'statistics': state.batch_stats} for state in states]
    for group in trees[0]:
        difference = optax.tree.sub(trees[0][group], trees[1][group])
        assert optax.tree.norm(difference) <= 1e-5 * optax.tree.norm(trees[0][group]), group
    for group, state in states[0].groups.items():
        assert int(state.updates) == int(states[1].groups[group].updates) == 20, group
        assert int(state.count) == int(states[1].groups[group].count) == 0, group


@pytest.fixture(scope='module')
def one_device(prepared, tmp_path_factory) -> pathlib.Path:
    workdir = tmp_path_factory.mktemp('one')
    finish(start(prepared, workdir, devices=1, steps=20))
    return workdir


@pytest.fixture(scope='module')
def half_way(prepared, tmp_path_factory) -> pathlib.Path:
    workdir = tmp_path_factory.mktemp('four')
    finish(start(prepared, workdir, devices=4, steps=10))
    return workdir


@pytest.mark.parametrize('devices', [1, 2, 4])
def test_begun_on_four_devices_and_ended_on_any_number(
    prepared, one_device, half_way, devices, tmp_path
):
    workdir = tmp_path / 'run'
    shutil.copytree(half_way, workdir)
    finish(start(prepared, workdir, devices=devices, steps=20))
    assert_same(one_device, workdir)


def test_two_processes_with_two_devices_each(prepared, one_device, tmp_path):
    words = [f'--coordinator=127.0.0.1:{free_port()}', '--processes=2']
    both = [start(prepared, tmp_path, 2, 20, *words, f'--process={n}') for n in range(2)]
    finish(*both)
    assert_same(one_device, tmp_path)
    log = (tmp_path / 'log.jsonl').read_text().splitlines()
    assert len(log) == 10  # one process writes it
    assert open_checkpoint(tmp_path).step == 20


def test_micro_batches_of_other_labels_become_one_batch_of_all_tasks():
    tasks = tiny_config.get_config().tasks
    images = {height: np.full((height, 65, 3), height, np.uint8) for height in (31, 32, 33)}
    classes = np.full((31, 65), 3, np.uint8)
    vectors = np.broadcast_to(np.float32([0, 0, 1]), (33, 65, 3))
    examples = [
        Example(id='a', image=images[31], labels={'segmentation': classes}),
        Example(id='b', image=images[32]),
        Example(id='c', image=images[33], labels={'normals': vectors}),
    ]
    parts = [collate([example], (33, 65), tasks) for example in examples]
    batch = shard(make_mesh(1), parts, jax.jit(lambda part: add_absent_targets(tasks, part)))
    assert batch.image_sizes.tolist() == [[31, 65], [32, 65], [33, 65]]
    np.testing.assert_array_equal(batch.image, np.concatenate([part.image for part in parts]))
    labelled = {name: flags.tolist() for name, flags in batch.labelled.items()}
    assert labelled == {
        'normals': [False, False, True],
        'segmentation': [True, False, False],
    }
    assert (batch.targets['segmentation'][0, :31] == 3).all()
    assert (batch.targets['segmentation'][1:] == VOID).all()
    assert not batch.targets['normals'][:2].any() and batch.targets['normals'][2].any()


def test_micro_batches_that_cannot_be_shared_are_refused(monkeypatch):
    monkeypatch.setattr(jax, 'process_count', lambda: 2)
    monkeypatch.setattr(jax, 'devices', lambda: list(range(8)))
    with pytest.raises(UserError, match='micro_batches_per_step=8'):
        make_mesh(4)


def test_processes_that_do_not_find_each_other_are_told_how(tmp_path):
    words = [sys.executable, '-m', 'ubernet_jax.train', '--config', 'tests/helpers/tiny_config.py']
    words += ['--workdir', str(tmp_path), '--distributed']
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert '--coordinator=HOST:PORT' in done.stderr
    assert 'Traceback' not in done.stderr
