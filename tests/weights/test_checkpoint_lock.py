"""Checkpoints that are being read are not removed, and removed ones are not read."""

import pathlib
from types import SimpleNamespace

import pytest

from ubernet_jax.weights.checkpoint_lock import LatestAndRead, reading


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """Checkpoints of the steps 1 to 4."""
    for step in range(1, 5):
        (tmp_path / str(step)).mkdir()
    return tmp_path


def preserved(policy: LatestAndRead, *steps: int) -> list[int]:
    checkpoints = [SimpleNamespace(step=step) for step in steps]
    flags = policy.should_preserve(checkpoints, context=None)
    return [step for step, flag in zip(steps, flags, strict=True) if flag]


def test_a_checkpoint_that_is_read_is_preserved_until_then(folder):
    policy = LatestAndRead(folder, 2)
    with reading(folder / '1') as present, reading(folder / '1') as present_too:
        assert present and present_too
        assert preserved(policy, 1, 2, 3, 4) == [1, 3, 4]
    assert preserved(policy, 1, 3, 4) == [3, 4]


def test_a_checkpoint_that_is_being_removed_is_not_read(folder):
    policy = LatestAndRead(folder, 1)
    assert preserved(policy, 3, 4) == [4]
    with reading(folder / '3') as present, reading(folder / '4') as newest:
        assert not present and newest
    with reading(folder / '5') as present:
        assert not present


def test_a_folder_that_was_removed_by_hand_is_not_missed(folder):
    (folder / '1').rmdir()
    assert preserved(LatestAndRead(folder, 2), 1, 3, 4) == [3, 4]
