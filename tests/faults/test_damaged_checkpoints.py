"""Checkpoints that are damaged after they were complete, and exported files."""

import itertools
import os
import pathlib
import random
import shutil
from collections.abc import Callable

import jax
import numpy as np
import pytest

from helpers.damages import DAMAGES, delete, flip_bit
from helpers.networks import make_solver, read_state
from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.train import train
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.state import TrainState
from ubernet_jax.weights.checkpoint_digests import DIGESTS
from ubernet_jax.weights.exported import save_exported
from ubernet_jax.weights.trained import open_checkpoint

SHORT = 20  # damages; the long form has DAMAGED_CHECKPOINTS of them

# Orbax abandons coroutines when a read fails.
pytestmark = [
    pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning'),
    pytest.mark.filterwarnings('ignore:coroutine .* was never awaited:RuntimeWarning'),
]


def is_refused(read: Callable[[], object], wanted: object, folder: pathlib.Path) -> bool:
    """Whether a reader names the folder of a checkpoint; otherwise it must return `wanted`."""
    try:
        actual = read()
    except UserError as error:
        assert str(folder) in str(error)
        return True
    jax.tree.map(np.testing.assert_array_equal, actual, wanted)
    return False


def damage_and_read(run: pathlib.Path, config: Config, count: int, tmp_path: pathlib.Path) -> int:
    """Damages the newest checkpoint in every way, a file at a time, and reads it.

    Args:
      run: an undisturbed run.
      config: its configuration.
      count: how many damages.
      tmp_path: folder to write to.

    Returns:
      How many of the damaged checkpoints were refused.
    """
    draw, state, trained = random.Random(count), read_state(run), open_checkpoint(run)
    newest = pathlib.Path('checkpoints', str(trained.step))
    names = sorted(path.relative_to(run) for path in (run / newest).rglob('*') if path.is_file())
    cases = list(itertools.product(names, DAMAGES))
    rounds = [draw.sample(cases, len(cases)) for _ in range(-(-count // len(cases)))]
    refused, solver = 0, make_solver(config)

    def restore() -> TrainState:
        return Checkpoints(workdir).restore(config, trained.step, solver)

    workdir = shutil.copytree(run, tmp_path / 'run')
    for name, damage in list(itertools.chain(*rounds))[:count]:
        damage(workdir / name, draw)
        reads = [
            is_refused(restore, state, workdir / newest),
            is_refused(lambda: open_checkpoint(workdir)[2:], trained[2:], workdir / newest),
        ]
        refused += any(reads)
        shutil.copy(run / name, workdir / name)
    return refused


@pytest.mark.parametrize(
    'count',
    [
        pytest.param(SHORT, marks=pytest.mark.slow),
        pytest.param(int(os.environ.get('DAMAGED_CHECKPOINTS', '400')), marks=pytest.mark.soak),
    ],
)
def test_a_damaged_checkpoint_is_never_restored_with_other_numbers(
    count, config, three_steps, tmp_path, capfd
):
    refused = damage_and_read(three_steps, config, count, tmp_path)
    output = capfd.readouterr()
    assert 'Traceback' not in output.out + output.err
    print(f'{refused} of {count} damaged checkpoints were refused, the others restored exactly')
    assert refused > 0.7 * count


@pytest.fixture
def newest(stopped) -> pathlib.Path:
    """A file with arrays of the newest checkpoint of a stopped run; that before it is of step 2."""
    folder = stopped / 'checkpoints' / '3'
    return max((folder / 'network').rglob('*'), key=lambda path: path.stat().st_size)


@pytest.mark.slow
def test_training_goes_back_to_the_checkpoint_before_a_damaged_one_when_told_to(
    config, stopped, newest, undisturbed, assert_same_end, capsys
):
    flip_bit(newest, random.Random(0))
    with pytest.raises(UserError, match='checkpoints/3 is damaged.*--skip_damaged_ch.*step 2') as e:
        train(config, stopped)
    assert str(newest.relative_to(stopped / 'checkpoints' / '3')) in str(e.value)
    with pytest.raises(UserError, match=r'checkpoints/3 is damaged.*STEP: 0, 2$'):
        open_checkpoint(stopped)
    assert open_checkpoint(stopped / 'checkpoints' / '2').step == 2
    train(config, stopped, skip_damaged=True)
    output = capsys.readouterr().out
    assert f'{stopped}/checkpoints/3 is damaged' in output and 'starting at step 2' in output
    assert_same_end(stopped, undisturbed)


def test_a_run_without_an_intact_checkpoint_is_refused_and_nothing_is_deleted(config, stopped):
    checkpoints = Checkpoints(stopped)
    for step in checkpoints.steps:
        delete(stopped / 'checkpoints' / str(step) / 'config' / 'metadata', random.Random(0))
    before = sorted(stopped.rglob('*'))
    with pytest.raises(UserError, match=f'{stopped}/checkpoints.*--workdir'):
        checkpoints.restore_newest(config, make_solver(config), skip_damaged=True)
    assert sorted(stopped.rglob('*')) == before


@pytest.mark.parametrize('damage', DAMAGES)
def test_a_damaged_exported_file_is_never_read_with_other_numbers(damage, three_steps, tmp_path):
    trained, draw = open_checkpoint(three_steps), random.Random(0)
    path = tmp_path / 'network.safetensors'
    for _ in range(50 if damage is flip_bit else 1):
        save_exported(trained, path)
        damage(path, draw)
        assert is_refused(lambda: open_checkpoint(path), trained, path)


def test_files_without_digests_are_read_with_a_note(three_steps, stopped, capfd):
    (stopped / 'checkpoints' / '3' / DIGESTS).unlink()
    shutil.rmtree(stopped / 'checkpoints' / '3' / 'data')
    assert not is_refused(lambda: read_state(stopped), read_state(three_steps), stopped)
    assert capfd.readouterr().err.count(f'{stopped}/checkpoints/3') == 1
