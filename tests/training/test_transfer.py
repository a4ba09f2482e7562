"""Transfers to the devices while the step before is computed."""

import pytest

from helpers import tiny_config
from ubernet_jax import train as train_module
from ubernet_jax.errors import UserError
from ubernet_jax.monitoring.metric_logger import RunningMeans
from ubernet_jax.training.transfer import Transfers


def test_one_element_is_read_and_transferred_ahead():
    events = []

    def read():
        for number in range(3):
            events.append(f'read {number}')
            yield number

    transfers = Transfers(read(), lambda number: events.append(f'transfer {number}') or -number)
    assert events == []
    for number in transfers:
        events.append(f'step {-number}')
        transfers.start()
        transfers.start()  # does nothing
    assert events == [
        'read 0', 'transfer 0', 'step 0', 'read 1', 'transfer 1', 'step 1', 'read 2', 'transfer 2',
        'step 2',
    ]  # fmt: skip


def test_an_error_is_raised_at_its_step():
    def read():
        yield 'first'
        raise UserError('the second cannot be read')

    transfers, steps = Transfers(read(), str.upper), []
    with pytest.raises(UserError, match='second'):
        for element in transfers:
            transfers.start()
            steps.append(element)
    assert steps == ['FIRST']


@pytest.mark.slow
def test_the_next_batch_is_transferred_before_a_result_is_waited_for(
    prepared, tmp_path, monkeypatch
):
    """Even if every step is logged and saved, for which its result is needed."""
    config = tiny_config.get_config()
    config.data.directory, config.steps = str(prepared), 3
    config.log_every = config.checkpoint_every = 1
    config.pictures_every = config.evaluate_every = 1_000_000
    events, shard, read = [], train_module.shard, RunningMeans.read

    def transfer(*arguments):
        events.append('transfer')
        return shard(*arguments)

    def wait(means):
        if means._unread is not None:
            events.append(f'wait {means._unread[0]}')
        read(means)

    monkeypatch.setattr(train_module, 'shard', transfer)
    monkeypatch.setattr(RunningMeans, 'read', wait)
    train_module.train(config, tmp_path)
    assert events == ['transfer', 'transfer', 'wait 1', 'transfer', 'wait 2', 'wait 3']
