"""The log of a run: a line of JSON and TensorBoard events for every set of numbers."""

import collections
import json
import os
import pathlib
import time

import jax
import numpy as np
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import (
    Event,  # pyright: ignore[reportAttributeAccessIssue]  (protobuf defines it at run time)
)
from tensorboardX.proto.summary_pb2 import (
    Summary,  # pyright: ignore[reportAttributeAccessIssue]  (the same)
)
from tensorboardX.summary import image, scalar

from ubernet_jax.training.step import StepMetrics


class MetricLogger:
    """Appends to `WORKDIR/log.jsonl` and to TensorBoard events; close it after use."""

    def __init__(self, workdir: pathlib.Path):
        lines = workdir / 'log.jsonl'
        _drop_torn_line(lines)
        self._lines = lines.open('a')
        # Not a SummaryWriter: its thread ends on a full disk, and logging then blocks for ever.
        self._events = EventsWriter(str(workdir / 'events'))

    def close(self) -> None:
        """Flushes and closes both files."""
        self._lines.close()
        self._events.close()

    def log(self, step: int, numbers: dict[str, float]) -> None:
        """Writes the numbers of a step."""
        now = time.time()
        self._lines.write(json.dumps({'step': step, 'time': now, **numbers}) + '\n')
        self._lines.flush()
        self._write_events(step, now, *(scalar(name, value) for name, value in numbers.items()))

    def log_picture(self, step: int, picture: np.ndarray) -> None:
        """Writes a picture, uint8 (H, W, 3) RGB, to the TensorBoard events."""
        self._write_events(step, time.time(), image('pictures', picture, dataformats='HWC'))

    def _write_events(self, step: int, now: float, *summaries: Summary) -> None:
        for summary in summaries:
            self._events.write_event(Event(step=step, wall_time=now, summary=summary))
        self._events.flush()


def describe_losses(numbers: dict[str, float]) -> str:
    """The losses and the images per second as a line of text."""
    return ', '.join(
        f'{name.removeprefix("loss/").replace("_per_", " per ")} {value:.3g}'
        for name, value in numbers.items()
        if name.startswith(('loss/', 'images_per_second'))
    )


def _drop_torn_line(path: pathlib.Path) -> None:
    """Removes an incomplete last line, which a full disk left; the next line would join it."""
    if path.is_file():
        os.truncate(path, path.read_bytes().rfind(b'\n') + 1)


class NotFiniteError(Exception):
    """A step had a loss or a gradient that is not finite.

    Attributes:
      step: its number.
      losses: by task.
    """

    def __init__(self, step: int, losses: dict[str, float]):
        super().__init__(step)
        self.step, self.losses = step, losses


class RunningMeans:
    """Means over the steps since the last line of the log.

    The metrics of the newest step stay unread, because they are still being computed: while the
    device works on a step, the host prepares the next.
    """

    def __init__(self):
        self._start = time.perf_counter()
        self._images = 0
        self._losses = collections.defaultdict(float)
        self._labelled = collections.defaultdict(int)
        self._updates = {}
        self._unread = None

    def add(self, step: int, metrics: StepMetrics) -> None:
        """Adds the metrics of a step, and reads those of the previous step.

        Raises:
          NotFiniteError: for the previous step.
        """
        self.read()
        self._unread = step, metrics

    def read(self) -> None:
        """Waits for the newest step.

        Raises:
          NotFiniteError: for that step.
        """
        if self._unread is None:
            return
        step, metrics = self._unread[0], jax.device_get(self._unread[1])
        self._unread = None
        if not metrics.finite:
            raise NotFiniteError(step, metrics.losses)
        self._images += metrics.images
        self._updates = metrics.updates
        for name, count in metrics.labelled.items():
            self._losses[name] += float(metrics.losses[name])
            self._labelled[name] += int(count)

    def summary(self) -> dict[str, float]:
        """`loss/TASK` per labelled image, `updates/GROUP` so far, and `images_per_second`.

        Raises:
          NotFiniteError: for the newest step.
        """
        self.read()
        losses = {
            f'loss/{name}': self._losses[name] / count
            for name, count in self._labelled.items()
            if count
        }
        updates = {f'updates/{group}': int(count) for group, count in self._updates.items()}
        seconds = time.perf_counter() - self._start
        return {**losses, **updates, 'images_per_second': self._images / seconds}
