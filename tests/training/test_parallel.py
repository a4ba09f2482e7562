"""Runs on different numbers of devices and processes end with the same parameters."""

import pathlib
import shutil

import jax
import numpy as np
import pytest

from helpers import tiny_config
from helpers.commands import run_command
from helpers.networks import read_state, relative_distance
from helpers.training import Process, finish, free_port, start_training
from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID
from ubernet_jax.train import train
from ubernet_jax.training.collation import add_absent_targets, collate
from ubernet_jax.training.parallel import make_mesh, shard
from ubernet_jax.weights.trained import open_checkpoint

STEPS = 8


def make_config(prepared: pathlib.Path) -> Config:
    """The run that `start` starts; every step updates every group."""
    config = tiny_config.get_config()
    config.data.directory, config.data.micro_batches_per_step = str(prepared), 4
    config.steps, config.checkpoint_every = STEPS, STEPS // 2
    config.pictures_every = config.evaluate_every = 1_000_000
    return config


def start(
    prepared: pathlib.Path, workdir: pathlib.Path, devices: int, steps: int, *settings: str
) -> Process:
    """Starts a training process with a number of devices."""
    flags = [
        f'--config.steps={steps}', '--config.data.micro_batches_per_step=4',
        f'--config.checkpoint_every={STEPS // 2}', *settings,
    ]  # fmt: skip
    xla = f'--xla_force_host_platform_device_count={devices}'
    return start_training(prepared, workdir, *flags, xla=xla)


def assert_same_end(actual: pathlib.Path, wanted: pathlib.Path) -> None:
    """Parameters and statistics to 1e-5 of each group's norm, counters exactly."""
    states = [read_state(workdir) for workdir in (actual, wanted)]
    assert [int(state.step) for state in states] == [STEPS, STEPS]
    trees = [{**state.params, 'statistics': state.batch_stats} for state in states]
    for group in trees[0]:
        assert relative_distance(trees[1][group], trees[0][group]) <= 1e-5, group
    for group, state in states[0].groups.items():
        assert int(state.updates) == int(states[1].groups[group].updates) == STEPS, group
        assert int(state.count) == int(states[1].groups[group].count) == 0, group


@pytest.mark.soak
def test_runs_on_any_number_of_devices_and_processes_end_with_the_same_state(prepared, tmp_path):
    """A full run on the device of this process, and runs that begin on four devices.

    These end on two devices, each of which computes two micro-batches, and in two processes with
    two devices each.
    """
    single, begun = tmp_path / 'single', tmp_path / 'begun'
    process = start(prepared, begun, devices=4, steps=STEPS // 2)
    single.mkdir()
    train(make_config(prepared), single)
    finish(process)
    resumed, joint = (shutil.copytree(begun, tmp_path / name) for name in ('resumed', 'joint'))
    finish(start(prepared, resumed, devices=2, steps=STEPS))
    assert_same_end(resumed, single)
    words = [f'--coordinator=127.0.0.1:{free_port()}', '--processes=2']
    outputs = finish(
        *[start(prepared, joint, 2, STEPS, *words, f'--process={number}') for number in range(2)]
    )
    assert f'starting at step {STEPS // 2}' in outputs[0]
    assert_same_end(joint, single)
    # Only one process writes the log, every two steps.
    assert len((joint / 'log.jsonl').read_text().splitlines()) == STEPS // 2
    assert open_checkpoint(joint).step == STEPS


def test_micro_batches_with_different_labels_become_a_batch_of_all_tasks():
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
    rows = 4  # those of every eighth pixel that are above the padding
    assert (batch.targets['segmentation'][0, :rows] == 3).all()
    assert (batch.targets['segmentation'][0, rows:] == VOID).all()
    assert (batch.targets['segmentation'][1:] == VOID).all()
    assert not batch.targets['normals'][:2].any() and batch.targets['normals'][2].any()


def test_micro_batches_that_devices_cannot_share_are_refused(monkeypatch):
    monkeypatch.setattr(jax, 'process_count', lambda: 2)
    monkeypatch.setattr(jax, 'devices', lambda: list(range(8)))
    with pytest.raises(UserError, match=r'micro_batches_per_step is 4.*micro_batches_per_step=8'):
        make_mesh(4)


@pytest.mark.slow
def test_processes_that_cannot_join_are_an_error(tmp_path):
    """In a process, because JAX cannot initialise its coordination service twice."""
    config = 'tests/helpers/tiny_config.py'
    done = run_command('train', '--config', config, '--workdir', tmp_path, '--distributed')
    assert done.returncode == 2
    assert '--coordinator=HOST:PORT' in done.stderr
    assert 'Traceback' not in done.stderr
