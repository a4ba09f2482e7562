"""Training that is killed again and again ends in the very bits of training that is not."""

import os
import pathlib
import random
import time
from collections.abc import Callable

import pytest

from helpers.moments import is_saving, last_step, readers_of, wait_for_end, wait_until
from helpers.states import newest_state
from helpers.training import finish
from ubernet_jax.train import train
from ubernet_jax.training.checkpoint import Checkpoints

STEPS_A_LIFE = 12


def settings(lives: int) -> list[str]:
    return [
        f'--config.steps={STEPS_A_LIFE * lives}', '--config.log_every=1',
        '--config.checkpoint_every=3', '--config.data.workers=1',
    ]  # fmt: skip


def kill(process, readers: list[int]) -> None:
    """Kills a training process; its readers must follow it."""
    process.kill()
    process.wait()
    wait_for_end(readers)


def killed_and_restarted(start: Callable, workdir: pathlib.Path, kills: int) -> int:
    """Trains to the end in `kills` + 1 lives; returns how many ended while saving."""
    moment, saving = random.Random(kills), 0
    for life in range(kills):
        process = start(workdir, *settings(kills + 1))
        if life % 5 == 4:  # while it starts
            time.sleep(moment.uniform(0, 10))
        else:
            goal = STEPS_A_LIFE * life + moment.randrange(1, STEPS_A_LIFE)
            wait_until(lambda goal=goal: last_step(workdir) >= goal, process)
            if life % 2 == 0:
                wait_until(lambda: is_saving(workdir), process)
            time.sleep(moment.uniform(0, 0.03))
        readers = readers_of(process)
        assert readers or life % 5 == 4
        kill(process, readers)
        saving += is_saving(workdir)
        if Checkpoints(workdir).steps:
            newest_state(workdir)
    finish(start(workdir, *settings(kills + 1)))
    return saving


@pytest.mark.parametrize(
    'kills', [1, pytest.param(int(os.environ.get('KILLS', 50)), marks=pytest.mark.soak)]
)
def test_the_end_is_bitwise_the_same_after_any_number_of_kills(
    kills, config, start, tmp_path, assert_same_end
):
    config.steps = STEPS_A_LIFE * (kills + 1)
    train(config, tmp_path / 'undisturbed')
    assert killed_and_restarted(start, tmp_path / 'killed', kills) > 0
    assert_same_end(tmp_path / 'undisturbed', tmp_path / 'killed')
    assert not is_saving(tmp_path / 'killed')  # what was left half-written is gone
