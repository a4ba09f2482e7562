"""Keeps checkpoints that are being read from being removed by the training that wrote them.

A reader holds a shared lock of the folder of a step, and the training an exclusive lock of the
folder that it removes. Over NFS, such locks of folders bind only the processes of one host.
"""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator, Sequence

import jax
import orbax.checkpoint as ocp

from ubernet_jax.locks import is_at, try_lock


@contextlib.contextmanager
def reading(folder: pathlib.Path) -> Iterator[bool]:
    """Holds a checkpoint; yields whether it is there, and not being removed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield try_lock(descriptor, fcntl.LOCK_SH) is not False and is_at(descriptor, folder)
    finally:
        os.close(descriptor)


class LatestAndRead:
    """A preservation policy of Orbax: the newest checkpoints, and those that are being read.

    Attributes:
      folder: of the checkpoints.
      number: of newest checkpoints.
    """

    def __init__(self, folder: pathlib.Path, number: int):
        self.folder, self.number = folder, number
        self._removed: list[int] = []  # descriptors of locked folders

    def should_preserve(
        self,
        checkpoints: Sequence[ocp.checkpoint_managers.PolicyCheckpointInfo],
        *,
        context: ocp.checkpoint_managers.PreservationContext,
    ) -> list[bool]:
        """Decides when a save starts; what is not preserved is removed when it is complete."""
        del context
        while self._removed:  # all of the previous save
            os.close(self._removed.pop())
        older = max(0, len(checkpoints) - self.number)
        return [
            index >= older or self._is_read(self.folder / str(checkpoint.step))
            for index, checkpoint in enumerate(checkpoints)
        ]

    def _is_read(self, folder: pathlib.Path) -> bool:
        if jax.process_index() > 0:  # only the first process removes
            return False
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # somebody has removed it
            return False
        if try_lock(descriptor, fcntl.LOCK_EX) is False:
            os.close(descriptor)
            return True
        self._removed.append(descriptor)
        return False
