"""Orderly stops: after a complete step, the same in all processes."""

import signal

import jax
from jax.experimental import multihost_utils


class StopRequest:
    """Records SIGTERM and Ctrl-C instead of ending the process; a second signal ends it at once.

    With several processes, JAX's preemption service listens for SIGTERM, which schedulers send
    before they take a machine away, and lets all processes agree on a step. Ctrl-C then acts as
    usual.
    """

    def __init__(self):
        self._requested = False
        self._previous = {}

    def __enter__(self) -> 'StopRequest':
        if jax.process_count() == 1:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def after(self, step: int) -> bool:
        """Whether to stop after this step; every process must ask at every step."""
        if jax.process_count() == 1:
            return self._requested
        return multihost_utils.reached_preemption_sync_point(step)

    def _request(self, number: int, frame: object) -> None:
        del frame
        self._requested = True
        signal.signal(number, self._previous[number])
