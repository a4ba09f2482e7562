"""Predicts for many photographs in batches, while other threads read and write files."""

import collections
import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import jax
import numpy as np

from ubernet_jax.inference.predictor import Predictor, Purpose

Item = TypeVar('Item')
Result = TypeVar('Result')

_ACCELERATOR_BATCH = 4
_MAX_WAITING = 4  # batches of photographs that wait for others of the same shapes


class Request(NamedTuple, Generic[Item]):
    """A photograph to predict for.

    Attributes:
      item: anything that names the photograph.
      image: uint8 (H, W, 3), RGB.
      tasks: names of the tasks.
    """

    item: Item
    image: np.ndarray
    tasks: tuple[str, ...]


def default_batch() -> int:
    """Returns the number of photographs in a batch that suits the device: 1 on a CPU."""
    return 1 if jax.default_backend() == 'cpu' else _ACCELERATOR_BATCH


def predict_in_batches(
    predictor: Predictor,
    requests: Iterable[Request[Item]],
    batch: int,
    purpose: Purpose = Purpose.RESULT,
) -> Iterator[tuple[Request[Item], dict[str, Any]]]:
    """Yields the results of each request by task; requests of the same shapes are in order.

    The device computes a batch while the caller works on the results of the batch before it.

    Args:
      predictor: the trained network.
      requests: are read ahead, as far as needed to fill a batch with equal shapes.
      batch: number of photographs in a batch.
      purpose: what the predictions are for.
    """
    previous: Iterable[tuple[Request[Item], dict[str, Any]]] = ()
    for group in _group(predictor, requests, batch):
        images = [request.image for request in group]
        wait = predictor.start(images, group[0].tasks, batch, purpose)
        yield from previous
        previous = _results(group, wait)
    yield from previous


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    """Like `map`, but another thread calls the function for up to `ahead` items in advance."""
    pending: collections.deque[concurrent.futures.Future[Result]] = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _results(
    group: Sequence[Request[Item]], wait: Callable[[], list[dict[str, Any]]]
) -> Iterator[tuple[Request[Item], dict[str, Any]]]:
    yield from zip(group, wait(), strict=True)


def _group(
    predictor: Predictor, requests: Iterable[Request[Item]], batch: int
) -> Iterator[list[Request[Item]]]:
    """Yields at most `batch` requests with the same tasks and shapes at a time."""
    waiting: dict[Any, list[Request[Item]]] = {}
    for request in requests:
        key = predictor.shapes(request.image), request.tasks
        waiting.setdefault(key, []).append(request)
        if len(waiting[key]) == batch:
            yield waiting.pop(key)
        elif sum(map(len, waiting.values())) == _MAX_WAITING * batch:
            yield waiting.pop(next(iter(waiting)))  # those that have waited longest
    yield from waiting.values()
