"""Scores all images of a benchmark in several processes, with a progress bar; can be resumed."""

import concurrent.futures
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Measure, Metric, MetricError
from ubernet_jax.progress import Progress
from ubernet_jax.scoring.paired_files import PairedFiles
from ubernet_jax.scoring.values import require_plausible
from ubernet_jax.worker_pool import worker_pool
from ubernet_jax.writing import new_file, write_text

_MAX_NAMED = 5  # images without a prediction that the error message names
_FINGERPRINT = 'fingerprint'  # the array of a stored measure that has this text


def require_predictions(paired: PairedFiles) -> None:
    """Raises a UserError that names the first few images without a prediction, if there are any."""
    missing = paired.missing()
    if missing:
        hidden = len(missing) - _MAX_NAMED
        suffix = f' and {hidden} more' if hidden > 0 else ''
        raise UserError(
            f'there is no prediction for {len(missing)} of {len(paired.names)} images: '
            f'{", ".join(missing[:_MAX_NAMED])}{suffix}; predict them, or use --allow-missing to '
            'count them as empty'
        )


class PartialRun:
    """The measures of an interrupted run, stored in a folder so that the run can be resumed.

    Args:
      folder: created if necessary; its contents are deleted if they are of different settings.
      settings: plain values that identify the run.
    """

    def __init__(self, folder: pathlib.Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        description = json.dumps(settings, sort_keys=True)
        marker = folder / 'settings.json'
        if not marker.is_file() or marker.read_text() != description:
            shutil.rmtree(folder, ignore_errors=True)
            write_text(marker, description)

    def read(self, name: str, fingerprint: str) -> Measure | None:
        """Returns the measure of an image; None if there is none, or it is of other content."""
        path = self.folder / f'{name}.npz'
        if not path.is_file():
            return None
        with np.load(path) as arrays:
            measure = dict(arrays)
        return measure if str(measure.pop(_FINGERPRINT, '')) == fingerprint else None

    def write(self, name: str, measure: Measure, fingerprint: str) -> None:
        """Stores the measure of an image. The file appears only once it is complete.

        Args:
          name: the image.
          measure: its measure.
          fingerprint: of the files that were measured.
        """
        stored = measure | {_FINGERPRINT: np.array(fingerprint)}
        with new_file(self.folder / f'{name}.npz') as new:
            # numpy's stubs check the arrays against the keyword allow_pickle.
            np.savez(new, **stored)  # pyright: ignore[reportArgumentType]

    def remove(self) -> None:
        """Deletes the folder after the run is complete."""
        shutil.rmtree(self.folder)


def score_images(
    metric: Metric,
    paired: PairedFiles,
    *,
    processes: int | None = None,
    partial: PartialRun | None = None,
) -> dict[str, list[str]]:
    """Adds every image to a metric, in the order of the names.

    Args:
      metric: the metric that accumulates the measures.
      paired: the images.
      processes: number of worker processes; by default one per core. With 1, the images are scored
        in this process.
      partial: storage for the measures; None stores nothing.

    Returns:
      Image -> the metric's notes on it, for images with notes.

    Raises:
      UserError: an image cannot be scored (the message names it), or the values of all files
        together are implausible.
    """
    measures: dict[str, Measure] = {}
    fingerprints: dict[str, str] = {}
    if partial:
        for name in paired.names:
            # Before the files are read again: a change in between makes the stored measure unused.
            fingerprints[name] = paired.fingerprint(name)
            measure = partial.read(name, fingerprints[name])
            if measure is not None:
                measures[name] = measure
    todo = [name for name in paired.names if name not in measures]
    processes = min(processes or len(os.sched_getaffinity(0)), max(len(todo), 1))
    with Progress('image', len(paired.names), done=len(measures)) as progress:
        for name, measure in _measure_all(metric, paired, todo, processes):
            measures[name] = measure
            if partial:
                partial.write(name, measure, fingerprints[name])
            progress.advance()
    require_plausible(paired.kinds, measures.values())
    for name in paired.names:
        metric.add(measures[name])
    notes = {name: metric.notes(measures[name]) for name in paired.names}
    return {name: lines for name, lines in notes.items() if lines}


def _measure_all(
    metric: Metric, paired: PairedFiles, names: list[str], processes: int
) -> Iterator[tuple[str, Measure]]:
    """Yields the name and the measure of each image, in the order of completion."""
    if processes == 1:
        for name in names:
            yield name, _measure(metric, paired, name)
        return
    remedy = 'set --processes to a smaller number'
    with worker_pool('scored images', remedy, processes, _start_worker, metric, paired) as pool:
        running = {pool.submit(_measure_in_worker, name): name for name in names}
        try:
            for future in concurrent.futures.as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


_worker: tuple[Metric, PairedFiles]  # set in each worker process


def _start_worker(metric: Metric, paired: PairedFiles) -> None:
    global _worker
    _worker = metric, paired


def _measure_in_worker(name: str) -> Measure:
    return _measure(*_worker, name)


def _measure(metric: Metric, paired: PairedFiles, name: str) -> Measure:
    try:
        pair = paired.load(name)
        return metric.measure(pair.prediction, pair.truth) | pair.values
    except (MetricError, UserError) as error:
        raise UserError(f'{name}: {error}') from error
