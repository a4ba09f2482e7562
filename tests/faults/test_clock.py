"""A clock that is set back again and again during training."""

import itertools
import json
import time

import pytest

from ubernet_jax.train import train
from ubernet_jax.training.checkpoint import Checkpoints

pytestmark = pytest.mark.slow


def test_a_clock_that_is_set_back_changes_only_the_times(
    config, stopped, undisturbed, monkeypatch, assert_same_end
):
    calls, now, now_ns = itertools.count(), time.time, time.time_ns

    def set_back() -> int:
        """One more hour at every third call, in seconds."""
        return 3600 * (next(calls) // 3)

    with monkeypatch.context() as patch:
        patch.setattr(time, 'time', lambda: now() - set_back())
        patch.setattr(time, 'time_ns', lambda: now_ns() - set_back() * 10**9)
        train(config, stopped)
    assert next(calls) > 20
    lines = [json.loads(line) for line in (stopped / 'log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == list(range(1, config.steps + 1))
    assert all(line['images_per_second'] > 0 for line in lines)
    assert Checkpoints(stopped).steps == [config.steps - 4, config.steps - 2, config.steps]
    assert_same_end(stopped, undisturbed)
