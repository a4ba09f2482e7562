"""The log of a run: a line of JSON and a TensorBoard event for every set of numbers."""

import collections
import json
import pathlib
import time

import jax
import tensorboardX

from ubernet_jax.step import Metrics


class Journal:
    """Appends to `WORKDIR/log.jsonl` and to TensorBoard events; use as a context manager."""

    def __init__(self, workdir: pathlib.Path):
        self._workdir = workdir

    def __enter__(self) -> 'Journal':
        self._lines = (self._workdir / 'log.jsonl').open('a')
        self._events = tensorboardX.SummaryWriter(str(self._workdir))
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._events.close()

    def log(self, step: int, numbers: dict[str, float]) -> str:
        """Writes numbers at a step, and returns all but the updates as one line for a person."""
        self._lines.write(json.dumps({'step': step, 'time': time.time(), **numbers}) + '\n')
        self._lines.flush()
        for name, value in numbers.items():
            self._events.add_scalar(name, value, step)
        return ' '.join(
            f'{name.removeprefix("loss/")} {value:.3g}'
            for name, value in numbers.items()
            if not name.startswith('updates/')
        )


class Window:
    """Means over the steps since the last line of the log."""

    def __init__(self):
        self._start = time.perf_counter()
        self._images = 0
        self._losses = collections.defaultdict(float)
        self._labelled = collections.defaultdict(int)
        self._updates = {}

    def add(self, metrics: Metrics, images: int) -> None:
        """Adds one step's metrics."""
        metrics = jax.device_get(metrics)
        self._images += images
        self._updates = metrics.updates
        for name, count in metrics.labelled.items():
            self._losses[name] += float(metrics.losses[name])
            self._labelled[name] += int(count)

    def summary(self) -> dict[str, float]:
        """`loss/TASK` a labelled image, `updates/GROUP` so far, and images a second."""
        losses = {
            f'loss/{name}': self._losses[name] / count
            for name, count in self._labelled.items()
            if count
        }
        updates = {f'updates/{group}': int(count) for group, count in self._updates.items()}
        seconds = time.perf_counter() - self._start
        return {**losses, **updates, 'images_per_second': self._images / seconds}
