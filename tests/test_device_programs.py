"""What a GPU needs of the programs of training and prediction, tested without one."""

import dataclasses

import jax
import jax.export
import numpy as np
import pytest

from helpers import plain_network, tiny_network
from helpers.loop_trips import counter as counter
from helpers.networks import make_batch, make_state, make_step
from ubernet_jax import config as c
from ubernet_jax.inference.predictor import apply
from ubernet_jax.network import make_network
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


@pytest.fixture(scope='module')
def detection() -> c.Config:
    """The default numbers of proposals, from 12150 anchors of an image of 129x129."""
    scales = tuple(np.linspace(1, 8, 50).tolist())
    detector = c.DetectionConfig(width=8, anchor_scales=scales, min_side=4.0)
    return make_config(detection=PAPER['detection'](detector=detector))


def with_small_moves(params: dict) -> dict:
    """Random weights would move every anchor out of the image."""
    return {**params, 'detection': jax.tree.map(lambda leaf: 0.01 * leaf, params['detection'])}


def test_a_training_step_with_detection_makes_few_trips_of_loops(counter, detection):
    state, step = make_state(detection), jax.jit(make_step(detection))
    state = dataclasses.replace(state, params=with_small_moves(state.params))
    batch = make_batch(detection.tasks, np.ones((2, 1), bool), 129, 129)
    _, metrics = jax.block_until_ready(step(state, batch))
    assert metrics.labelled['detection'] == 2 and metrics.losses['detection'] > 0
    assert counter.loops >= 2 and 2 <= counter.trips <= MAX_TRIPS['training']


def test_a_prediction_makes_few_trips_of_loops(counter, detection):
    network = make_network(detection)
    params, stats = plain_network.random_variables(network)
    params = with_small_moves(params)
    image = np.random.default_rng(0).integers(0, 256, (2, 129, 129, 3), np.uint8)
    outputs = jax.block_until_ready(apply(network, params, stats, image, ['detection']))
    assert outputs['detection'].proposals.valid.any()
    assert counter.loops >= 4 and 4 <= counter.trips <= MAX_TRIPS['prediction']


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
            finish(outputs[name], sizes)
            for name, task in network.tasks.items()
            for finish in (task.finish, task.finish_for_metrics)
        ]
        return jax.tree.leaves(finished)

    exported = jax.export.export(jax.jit(predict), platforms=['cuda'])(params, stats, image)
    assert exported.platforms == ('cuda',)
