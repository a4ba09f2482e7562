"""A clock that is set back while training, again and again."""

import itertools
import json
import time

from ubernet_jax.train import train
from ubernet_jax.training.checkpoint import Checkpoints


def test_nothing_changes_but_the_times(config, stopped, undisturbed, monkeypatch, assert_same_end):
    calls, now, now_ns = itertools.count(), time.time, time.time_ns

    def set_back() -> int:
        """An hour more at every third look."""
        return 3600 * (next(calls) // 3)

    with monkeypatch.context() as patch:
        patch.setattr(time, 'time', lambda: now() - set_back())
        patch.setattr(time, 'time_ns', lambda: now_ns() - set_back() * 10**9)
        train(config, stopped)
    assert next(calls) > 20
    lines = [json.loads(line) for line in (stopped / 'log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == list(range(1, 9))
    assert all(line['images_per_second'] > 0 for line in lines)
    assert Checkpoints(stopped).steps == [4, 6, 8]
    assert_same_end(undisturbed, stopped)
