"""Prediction in batches: which photographs are computed together, and when threads run ahead."""

import queue
from collections.abc import Callable

import numpy as np
import pytest

from ubernet_jax.errors import UserError
from ubernet_jax.inference.batches import Request, map_ahead, predict_in_batches


class Recorder:
    """Stands for a predictor; records what is started and what is waited for."""

    def __init__(self):
        self.events = []

    def shapes(self, image: np.ndarray) -> tuple[int, ...]:
        return image.shape

    def start(
        self, images: list[np.ndarray], tasks: tuple[str, ...], batch: int, for_metrics: bool
    ) -> Callable[[], list[dict[str, int]]]:
        number = len(self.events)
        self.events.append(('start', len(images), tasks))

        def wait() -> list[dict[str, int]]:
            self.events.append(('wait', number))
            return [dict.fromkeys(tasks, int(image[0, 0, 0])) for image in images]

        return wait


def requests(*widths: int, tasks: tuple[str, ...] = ('a',)):
    for number, width in enumerate(widths):
        yield Request(number, np.full((2, width, 3), number, np.uint8), tasks)


def test_photographs_of_a_batch_have_the_same_shapes_and_every_result_its_photograph():
    recorder = Recorder()
    results = [*predict_in_batches(recorder, requests(5, 5, 6, 5, 6, 7), batch=2)]
    assert [request.item for request, _ in results] == [0, 1, 2, 4, 3, 5]
    assert all(result == {'a': request.item} for request, result in results)
    sizes = [event[1] for event in recorder.events if event[0] == 'start']
    assert sizes == [2, 2, 1, 1]


def test_photographs_for_different_tasks_are_in_different_batches():
    recorder = Recorder()
    mixed = [*requests(5, tasks=('a', 'b')), *requests(5, tasks=('a',))]
    results = [*predict_in_batches(recorder, mixed, batch=2)]
    assert [set(result) for _, result in results] == [{'a', 'b'}, {'a'}]


def test_the_next_batch_is_started_before_the_last_is_waited_for():
    recorder = Recorder()
    assert len([*predict_in_batches(recorder, requests(5, 5, 5), batch=1)]) == 3
    kinds = [kind for kind, *_ in recorder.events]
    assert kinds == ['start', 'start', 'wait', 'start', 'wait', 'wait']


def test_no_more_photographs_wait_than_a_few_batches():
    recorder, read = Recorder(), []

    def stream():
        for request in requests(*range(5, 50)):
            read.append(request.item)
            yield request

    next(predict_in_batches(recorder, stream(), batch=2))
    assert len(read) <= 10


def test_a_thread_runs_ahead_by_a_few_items_and_its_error_is_raised_in_order():
    started = queue.SimpleQueue()

    def work(item: int) -> int:
        started.put(item)
        if item == 3:
            raise UserError('three')
        return 10 * item

    results = map_ahead(work, range(5), ahead=2)
    assert next(results) == 0
    assert [started.get(timeout=60) for _ in range(3)] == [0, 1, 2] and started.empty()
    assert [next(results), next(results)] == [10, 20]
    with pytest.raises(UserError, match='three'):
        next(results)
