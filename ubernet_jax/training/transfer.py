"""Transfers to the devices, each while the step before it is computed."""

import concurrent.futures
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

HostT = TypeVar('HostT')
DeviceT = TypeVar('DeviceT')


class Transfers(Generic[HostT, DeviceT]):
    """An iterator over what is transferred; `start` transfers one element ahead."""

    def __init__(self, stream: Iterator[HostT], transfer: Callable[[HostT], DeviceT]):
        """Reads and transfers nothing yet.

        Args:
          stream: what is to be transferred.
          transfer: starts a transfer, and does not wait for it.
        """
        self._stream, self._transfer = stream, transfer
        self._started: concurrent.futures.Future[DeviceT] | None = None

    def start(self) -> concurrent.futures.Future[DeviceT]:
        """Starts the next transfer, unless it was; its errors are raised when it is taken."""
        if self._started is None:
            self._started = concurrent.futures.Future()
            try:
                self._started.set_result(self._transfer(next(self._stream)))
            except Exception as error:  # among them StopIteration
                self._started.set_exception(error)
        return self._started

    def __iter__(self) -> 'Transfers[HostT, DeviceT]':
        return self

    def __next__(self) -> DeviceT:
        started = self.start()
        self._started = None
        return started.result()
