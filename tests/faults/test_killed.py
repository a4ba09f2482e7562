"""A run that is killed again and again ends with exactly the same state as an undisturbed run."""

import os
import pathlib
import random
import shutil
import time
from collections.abc import Callable

import pytest

from helpers.moments import is_saving, last_step, readers_of, wait_for_end, wait_until
from helpers.networks import read_state
from helpers.training import Process
from ubernet_jax.config import Config
from ubernet_jax.train import train
from ubernet_jax.training.checkpoint import Checkpoints

STEPS_PER_LIFE = 12
CHECKPOINT_EVERY = 3


def kill(process: Process, readers: list[int]) -> None:
    """Kills a training process; its readers must end too."""
    process.kill()
    process.wait()
    wait_for_end(readers)


def run_with_kills(start: Callable, config: Config, workdir: pathlib.Path, kills: int) -> int:
    """Trains to the end, in processes that are killed and a last time in this process.

    Returns:
      How many processes were killed while they were saving.
    """
    moment, saving = random.Random(kills), 0
    for life in range(kills):
        process = start(
            workdir, f'--config.steps={config.steps}', '--config.log_every=1',
            f'--config.checkpoint_every={CHECKPOINT_EVERY}', '--config.data.workers=1',
        )  # fmt: skip
        if life % 5 == 4:  # while it starts
            time.sleep(moment.uniform(0, 10))
        else:
            goal = STEPS_PER_LIFE * life + moment.randrange(1, STEPS_PER_LIFE)
            wait_until(lambda goal=goal: last_step(workdir) >= goal, process)
            if life % 2 == 0:
                wait_until(lambda: is_saving(workdir), process)
            time.sleep(moment.uniform(0, 0.03))
        readers = readers_of(process)
        assert readers or life % 5 == 4
        kill(process, readers)
        saving += is_saving(workdir)
        if Checkpoints(workdir).steps:
            read_state(workdir)  # the newest complete checkpoint is readable
    train(config, workdir)
    return saving


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bits(
    config, start, undisturbed, tmp_path, assert_same_end
):
    assert config.steps == 2 * STEPS_PER_LIFE
    config.checkpoint_every = CHECKPOINT_EVERY
    assert run_with_kills(start, config, tmp_path, kills=1) > 0
    assert_same_end(tmp_path, undisturbed)
    assert not is_saving(tmp_path)  # the incomplete checkpoint has been removed


@pytest.mark.slow
def test_an_incomplete_checkpoint_is_removed_although_its_step_is_never_saved(config, stopped):
    """A process that was killed while it saved step 4; now steps 3 and 5 are saved."""
    incomplete = stopped / 'checkpoints' / '4.orbax-checkpoint-tmp'
    shutil.copytree(stopped / 'checkpoints' / '3', incomplete)
    assert is_saving(stopped)
    config.steps, config.checkpoint_every = 5, 5
    train(config, stopped)
    assert Checkpoints(stopped).steps == [2, 3, 5]
    assert not is_saving(stopped)


@pytest.mark.soak
def test_a_run_that_is_killed_many_times_ends_with_the_same_bits(
    config, start, tmp_path, assert_same_end
):
    kills = int(os.environ.get('KILLS', '50'))
    config.steps, config.checkpoint_every = STEPS_PER_LIFE * (kills + 1), CHECKPOINT_EVERY
    train(config, tmp_path / 'undisturbed')
    assert run_with_kills(start, config, tmp_path / 'killed', kills) > 0
    assert_same_end(tmp_path / 'killed', tmp_path / 'undisturbed')
    assert not is_saving(tmp_path / 'killed')
