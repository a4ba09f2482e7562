"""What a GPU needs of the programs of training and prediction, tested without one."""

from collections.abc import Callable
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import tiny_network
from helpers.networks import make_batch, make_state, make_step
from ubernet_jax import config as c
from ubernet_jax.inference.predictor import apply
from ubernet_jax.models.settings import DetectionConfig
from ubernet_jax.network import make_network
from ubernet_jax.ops.suppression import suppress
from ubernet_jax.tasks import PAPER, Depth

MAX_TRIPS = {'training': 60, 'prediction': 30}  # each waits for the host


def make_config(precision: str = 'float32', micro_batches: int = 1, **tasks: c.Task) -> c.Config:
    return c.Config(
        name='programs',
        steps=3,
        tasks=tasks,
        model=c.ModelConfig(width=1 / 32, scales=1, precision=c.Precision(precision)),
        data=c.DataConfig(micro_batches_per_step=micro_batches),
    )


class Loops:
    """Counts the loops of `jax.lax` that are called, and their trips if JAX does not compile.

    Attributes:
      calls: number of calls of `while_loop`; other loops fail.
      trips: number of trips, those of inner loops too.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.calls, self.trips, self._while_loop = 0, 0, jax.lax.while_loop
        monkeypatch.setattr(jax.lax, 'while_loop', self.while_loop)
        for name in ('fori_loop', 'scan', 'map'):
            monkeypatch.setattr(jax.lax, name, self.fail)

    def while_loop(self, condition: Callable, body: Callable, start: Any) -> Any:
        def count(state: Any) -> Any:
            self.trips += 1
            return body(state)

        self.calls += 1
        return self._while_loop(condition, count, start)

    def fail(self, *arguments: Any, **options: Any) -> None:
        raise AssertionError('this loop is not counted')


@pytest.fixture
def loops(monkeypatch) -> Loops:
    return Loops(monkeypatch)


def test_only_suppression_has_loops(loops):
    """One over tiles and one within a tile; in prediction for proposals and for detections."""
    config = make_config(**tiny_network.make_tasks('detection', 'boundaries'))
    batch = make_batch(config.tasks, np.ones((1, 2), bool), 33, 33)
    jax.eval_shape(make_step(config), make_state(config), batch)
    assert loops.calls > 0 and loops.calls % 2 == 0
    loops.calls, network = 0, make_network(config)
    variables = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    jax.eval_shape(lambda *v: apply(network, *v, batch.image, tuple(config.tasks)), *variables)
    assert loops.calls >= 4


def near_objects(count: int) -> tuple[jax.Array, jax.Array]:
    """Boxes (count, 4) around 40 objects, as a detector proposes them, and scores."""
    rng = np.random.default_rng(0)
    corner, sides = rng.uniform(0, 700, (40, 2)), rng.uniform(30, 200, (40, 2))
    objects = np.concatenate([corner, corner + sides], 1)
    boxes = objects[rng.integers(0, 40, count)] + 12 * rng.normal(size=(count, 4))
    return jnp.array(boxes, jnp.float32), jnp.array(rng.normal(size=count), jnp.float32)


def count_trips(loops: Loops, before: int, after: int, overlap: float) -> int:
    loops.trips, (boxes, scores) = 0, near_objects(before)
    with jax.disable_jit():
        suppress(boxes, scores, jnp.ones(before, bool), overlap, after)
    return loops.trips


def test_training_and_prediction_make_few_trips_of_loops(loops):
    """With the default numbers of proposals; the images and classes of a batch go together."""
    config = DetectionConfig()
    assert 2 <= count_trips(loops, *config.train_proposals, 0.7) <= MAX_TRIPS['training']
    proposals = count_trips(loops, *config.test_proposals, 0.7)
    detections = count_trips(loops, config.test_proposals[1], config.detections, 0.3)
    assert 4 <= proposals + detections <= MAX_TRIPS['prediction']


def all_tasks() -> dict[str, c.Task]:
    """A task of every kind."""
    names = (name for name in PAPER if name != 'parts')
    return {**tiny_network.make_tasks(*names), 'depth': Depth()}


@pytest.mark.parametrize(('precision', 'micro_batches'), [('float32', 2), ('bfloat16', 1)])
def test_the_training_step_lowers_for_a_gpu(precision, micro_batches):
    config = make_config(precision, micro_batches, **all_tasks())
    labelled = np.ones((micro_batches, len(config.tasks)), bool)
    program = jax.export.export(jax.jit(make_step(config)), platforms=['cuda'])
    exported = program(make_state(config), make_batch(config.tasks, labelled, 33, 33))
    assert exported.platforms == ('cuda',)


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_prediction_lowers_for_a_gpu(precision):
    network = make_network(make_config(precision, **all_tasks()))
    params, stats = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    image = jax.ShapeDtypeStruct((2, 33, 33, 3), np.uint8)
    sizes = np.int32([[20, 30], [30, 20]])

    def predict(params: dict, stats: dict, image: jax.Array) -> list:
        outputs = apply(network, params, stats, image, tuple(network.tasks))
        finished = [
            finish(outputs[name], image.shape[1:3], sizes)
            for name, task in network.tasks.items()
            for finish in (task.finish, task.finish_for_metrics)
        ]
        return jax.tree.leaves(finished)

    exported = jax.export.export(jax.jit(predict), platforms=['cuda'])(params, stats, image)
    assert exported.platforms == ('cuda',)
