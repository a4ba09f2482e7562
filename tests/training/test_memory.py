"""Memory and time of the gradient step: neither pays for tasks that wait or have no labels."""

import functools
import time

import jax
import numpy as np
import pytest

from benchmarks.memory import Case, kept_bytes
from benchmarks.plain import plain_gradients
from helpers import plain_network
from helpers.networks import FAST_COMPILATION, make_batch
from ubernet_jax.compilation import recomputing
from ubernet_jax.config import PAPER, Balancing, BalancingConfig, Config, ModelConfig
from ubernet_jax.models.vgg import BLOCKS
from ubernet_jax.network import SHARED, Network, make_network
from ubernet_jax.training.step import compute_gradients

SIDE = 129
KEY = jax.random.PRNGKey(0)


def make_config(heads: int) -> Config:
    """Equal heads at full resolution on a narrow trunk: most of the memory is theirs."""
    tasks = {f'task_{n}': PAPER['segmentation'](stride=1) for n in range(heads)}
    return Config(tasks=tasks, model=ModelConfig(width=1 / 16, scales=1))


def compile_gradients(function, heads: int, **balancing: object) -> jax.stages.Compiled:
    config = make_config(heads)
    network = make_network(config)
    config.optim.balancing = BalancingConfig(**balancing)
    bound = functools.partial(function, network, config)
    batch = make_batch(network.tasks, np.ones((1, heads), bool), SIDE, SIDE)
    lowered = jax.jit(bound).lower(*jax.eval_shape(network.init, KEY), batch, KEY)
    return lowered.compile(compiler_options=FAST_COMPILATION)


def cotangent_bytes() -> int:
    """Of one task, at the branch point."""
    network = make_network(make_config(1))
    params, stats = jax.eval_shape(network.init, KEY)
    batch = make_batch(network.tasks, np.ones((1, 1), bool), SIDE, SIDE)
    features, _ = jax.eval_shape(
        network.features, params[SHARED], stats, batch.image, batch.valid, KEY
    )
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(features))


def temporary_bytes(compiled: jax.stages.Compiled) -> int:
    return compiled.memory_analysis().temp_size_in_bytes


@pytest.fixture(scope='module')
def eight_heads() -> jax.stages.Compiled:
    return compile_gradients(compute_gradients, 8)


def test_memory_of_eight_heads_is_that_of_two(eight_heads):
    two_heads = compile_gradients(compute_gradients, 2)
    assert temporary_bytes(eight_heads) <= 1.10 * temporary_bytes(two_heads)


def test_memory_of_plain_differentiation_grows_with_the_heads():
    """Otherwise the test before this one could not fail."""
    two, eight = (temporary_bytes(compile_gradients(plain_gradients, n)) for n in (2, 8))
    assert eight > 2 * two


def test_balancing_pays_for_the_tasks_that_it_tells_apart(eight_heads):
    """Two of eight, and for what they are combined to: no more than three cotangents."""
    pcgrad = compile_gradients(compute_gradients, 8, method=Balancing.PCGRAD, tasks=2)
    more = temporary_bytes(pcgrad) - temporary_bytes(eight_heads)
    assert 0 < more <= 3 * cotangent_bytes()


def test_one_labelled_task_of_six_costs_a_fraction_of_all(eight_heads):
    network = make_network(make_config(8))
    variables = plain_network.random_variables(network)

    def cost(labelled: int) -> float:
        """CPU time of a step, which other programs on the machine do not add to."""
        batch = make_batch(network.tasks, np.arange(8)[None] < labelled, SIDE, SIDE)
        seconds = []
        for _ in range(4):
            start = time.process_time()
            jax.block_until_ready(eight_heads(*variables, batch, KEY))
            seconds.append(time.process_time() - start)
        return min(seconds)

    assert cost(1) < 0.5 * cost(6)


def test_checkpoints_save_memory_in_the_compiled_program():
    def temporary(remat: bool) -> int:
        network = Network(ModelConfig(width=1 / 4, scales=1, remat=remat), {})
        params, stats = plain_network.random_variables(network)
        batch = make_batch({}, np.ones((1, 0), bool), SIDE, SIDE)

        def total(trunk: dict) -> jax.Array:
            features, _ = network.features(trunk, stats, batch.image, batch.valid, KEY)
            return sum(skip.sum() for skip in features.levels[0].values())

        jitted = jax.jit(jax.grad(total), compiler_options=recomputing())
        return temporary_bytes(jitted.lower(params[SHARED]).compile())

    assert temporary(True) < 0.75 * temporary(False)


def kept_by_trunk(method: str) -> int:
    """Bytes of activations that the full trunk keeps of a 321x321 image for its backward pass."""
    return kept_bytes(Case(method=method, tasks=0, size=(321, 321), scales=1))


def test_the_trunk_keeps_what_flows_between_its_segments():
    flow = [(321, 3)]  # side and channels of each segment's input, float32
    for block in BLOCKS:
        flow.append((320 // (block.stride * block.pool_stride) + 1, block.channels))
    assert kept_by_trunk('ours') <= 1.01 * sum(4 * side**2 * depth for side, depth in flow)


def test_without_checkpointing_the_trunk_keeps_every_layer():
    assert kept_by_trunk('no checkpoints') > 8 * kept_by_trunk('ours')
