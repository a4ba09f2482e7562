"""Scoring all images of a benchmark: in several processes, with a progress bar, resumable."""

import concurrent.futures
import json
import multiprocessing
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tqdm

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Measure, Metric, MetricError
from ubernet_jax.scoring.paired_files import PairedFiles
from ubernet_jax.scoring.values import require_plausible

NAMED = 5  # so many of the images without a prediction are named


def require_predictions(paired: PairedFiles) -> None:
    """Raises a UserError, naming the first few, if images have no prediction."""
    missing = paired.missing()
    if missing:
        more = f' and {len(missing) - NAMED} more' if len(missing) > NAMED else ''
        raise UserError(
            f'no prediction for {len(missing)} of {len(paired.names)} images: '
            f'{", ".join(missing[:NAMED])}{more}; predict them, or give --allow-missing to count '
            'them as empty'
        )


class PartialRun:
    """The measures of an interrupted run, kept in a folder for the next run like it.

    Args:
      folder: made if need be; emptied if another run than this one wrote it.
      settings: plain values that tell runs apart.
    """

    def __init__(self, folder: pathlib.Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        description = json.dumps(settings, sort_keys=True)
        marker = folder / 'settings.json'
        if not marker.is_file() or marker.read_text() != description:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            marker.write_text(description)

    def read(self, name: str, changed: float) -> Measure | None:
        """An image's measure, unless its files were written after it."""
        path = self.folder / f'{name}.npz'
        if not path.is_file() or path.stat().st_mtime <= changed:
            return None
        with np.load(path) as arrays:
            return dict(arrays)

    def write(self, name: str, measure: Measure) -> None:
        """Keeps an image's measure; a file is either whole or not there."""
        unfinished = self.folder / f'{name}.unfinished'
        with unfinished.open('wb') as file:
            np.savez(file, **measure)
        unfinished.rename(self.folder / f'{name}.npz')

    def remove(self) -> None:
        """Deletes the folder, when nothing is left to do."""
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
      metric: it gets the measures.
      paired: where the images come from.
      processes: how many; by default one for each core. With 1, none is started.
      partial: where measures are kept; None keeps nothing.

    Returns:
      What is odd about an image, for those about which something is.

    Raises:
      UserError: an image cannot be scored, and is named; or what the files of all hold can only be
        wrong.
    """
    measures = {}
    for name in paired.names if partial else ():
        kept = partial.read(name, paired.changed(name))
        if kept is not None:
            measures[name] = kept
    todo = [name for name in paired.names if name not in measures]
    processes = min(processes or len(os.sched_getaffinity(0)), max(len(todo), 1))
    with tqdm.tqdm(total=len(paired.names), initial=len(measures), unit='image') as bar:
        for name, measure in _measured(metric, paired, todo, processes):
            measures[name] = measure
            if partial:
                partial.write(name, measure)
            bar.update()
    require_plausible(paired.kinds, measures.values())
    for name in paired.names:
        metric.add(measures[name])
    notes = {name: metric.notes(measures[name]) for name in paired.names}
    return {name: lines for name, lines in notes.items() if lines}


def _measured(
    metric: Metric, paired: PairedFiles, names: list[str], processes: int
) -> Iterator[tuple[str, Measure]]:
    if processes == 1:
        for name in names:
            yield name, _measure(metric, paired, name)
        return
    spawn = multiprocessing.get_context('spawn')
    with concurrent.futures.ProcessPoolExecutor(
        processes, spawn, _start_worker, (metric, paired)
    ) as pool:
        running = {pool.submit(_measure_in_worker, name): name for name in names}
        try:
            for future in concurrent.futures.as_completed(running):
                yield running[future], future.result()
        except concurrent.futures.BrokenExecutor as error:
            raise UserError(
                'a worker process ended, most likely for want of memory: give fewer --processes'
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


_worker: tuple[Metric, PairedFiles]  # of this worker process


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
