"""Stop requests by signals, in a single process."""

import os
import signal

import pytest

from ubernet_jax.training.stopping import StopRequest


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_requests_a_stop_and_a_second_signal_acts_as_before(number):
    class Interrupted(Exception):
        pass

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    previous = signal.signal(number, interrupt)
    try:
        with StopRequest() as stop:
            assert not stop.after(1)
            os.kill(os.getpid(), number)
            assert stop.after(2)
            with pytest.raises(Interrupted):
                os.kill(os.getpid(), number)
        assert signal.getsignal(number) is interrupt
    finally:
        signal.signal(number, previous)
