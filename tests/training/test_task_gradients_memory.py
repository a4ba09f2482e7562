"""Memory and work of `compute_gradients`: no tasks that wait, and no tasks without labels."""

import functools
from collections.abc import Iterator

import jax
import numpy as np
import pytest
from jax.extend import core

from benchmarks.memory import Case, kept_bytes
from benchmarks.plain import plain_gradients
from helpers import plain_network
from helpers.networks import make_batch
from ubernet_jax.compilation import recomputing
from ubernet_jax.config import PAPER, Balancing, BalancingConfig, Config, ModelConfig
from ubernet_jax.models.vgg import BLOCKS
from ubernet_jax.network import SHARED, Network, make_network
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.task_gradients import compute_gradients

SIDE = 129
KEY = jax.random.PRNGKey(0)
FEW, MANY = 2, 8  # heads
slow = pytest.mark.slow


def make_config(heads: int) -> Config:
    """Equal heads at full resolution on a narrow trunk: most of the memory is theirs."""
    tasks = {f'task_{n}': PAPER['segmentation'](stride=1) for n in range(heads)}
    return Config(tasks=tasks, model=ModelConfig(width=1 / 16, scales=1))


def trace_gradients(function, heads: int, **balancing: object) -> jax.stages.Traced:
    config = make_config(heads)
    network = make_network(config)
    config.optim.balancing = BalancingConfig(**balancing)
    bound = functools.partial(function, make_step_settings(config, network))
    batch = make_batch(network.tasks, np.ones((1, heads), bool), SIDE, SIDE)
    return jax.jit(bound).trace(*jax.eval_shape(network.init, KEY), batch, KEY)


def compiled_bytes(function, heads: int, **balancing: object) -> int:
    """Temporary memory of the compiled gradients."""
    return temporary_bytes(trace_gradients(function, heads, **balancing).lower().compile())


def temporary_bytes(compiled: jax.stages.Compiled) -> int:
    return compiled.memory_analysis().temp_size_in_bytes


def cotangent_bytes() -> int:
    """Bytes of the cotangent of a task at the branch point."""
    network = make_network(make_config(1))
    params, stats = jax.eval_shape(network.init, KEY)
    batch = make_batch(network.tasks, np.ones((1, 1), bool), SIDE, SIDE)
    features, _ = jax.eval_shape(
        network.features, params[SHARED], stats, batch.image, batch.valid, KEY
    )
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(features))


@pytest.fixture(scope='module')
def bytes_of_many() -> int:
    return compiled_bytes(compute_gradients, MANY)


@slow
def test_memory_does_not_grow_with_the_number_of_heads(bytes_of_many):
    assert bytes_of_many <= 1.10 * compiled_bytes(compute_gradients, FEW)


@slow
def test_memory_of_plain_differentiation_grows_with_the_number_of_heads():
    """Without this growth, the test above could not fail."""
    few, many = (compiled_bytes(plain_gradients, heads) for heads in (FEW, MANY))
    assert many > 2 * few


@slow
def test_balancing_takes_the_memory_of_its_slots(bytes_of_many):
    """Two slots and their combination: at most three cotangents."""
    pcgrad = compiled_bytes(compute_gradients, MANY, method=Balancing.PCGRAD, tasks=2)
    assert 0 < pcgrad - bytes_of_many <= 3 * cotangent_bytes()


def find_equations(jaxpr: core.Jaxpr, inside_conditions: bool) -> Iterator[core.JaxprEqn]:
    """All equations of a program; those of the branches of `lax.cond` only if requested."""
    for equation in jaxpr.eqns:
        yield equation
        if equation.primitive.name == 'cond' and not inside_conditions:
            continue
        for parameter in equation.params.values():
            for part in parameter if isinstance(parameter, list | tuple) else [parameter]:
                inner = getattr(part, 'jaxpr', part)
                if hasattr(inner, 'eqns'):
                    yield from find_equations(inner, inside_conditions)


def count_products(jaxpr: core.Jaxpr, inside_conditions: bool) -> int:
    """Number of convolutions and matrix products: almost all of the work."""
    names = [equation.primitive.name for equation in find_equations(jaxpr, inside_conditions)]
    return names.count('conv_general_dilated') + names.count('dot_general')


@slow
def test_a_task_without_labels_computes_nothing():
    """All work of a head is in the branch of a condition whose other branch has no work."""
    few, many = (trace_gradients(compute_gradients, heads).jaxpr.jaxpr for heads in (FEW, MANY))
    trunk = count_products(few, inside_conditions=False)
    assert trunk > 0 and trunk == count_products(many, inside_conditions=False)
    heads = [
        sorted(count_products(branch.jaxpr, inside_conditions=True) for branch in branches)
        for branches in (
            eqn.params['branches'] for eqn in many.eqns if eqn.primitive.name == 'cond'
        )
    ]
    assert len(heads) == MANY, heads
    assert all(least == 0 < most for least, most in heads), heads


@slow
def test_remat_saves_memory_in_the_compiled_program():
    def temporary(remat: bool) -> int:
        network = Network(ModelConfig(width=1 / 4, scales=1, remat=remat), {})
        params, stats = plain_network.random_variables(network)
        batch = make_batch({}, np.ones((1, 0), bool), SIDE, SIDE)

        def total(trunk: dict) -> jax.Array:
            features, _ = network.features(trunk, stats, batch.image, batch.valid, KEY)
            return sum(skip.sum() for skip in features.levels[0].values())

        jitted = jax.jit(jax.grad(total), compiler_options=recomputing())
        return temporary_bytes(jitted.lower(params[SHARED]).compile())

    assert temporary(True) < 0.85 * temporary(False)


def kept_by_trunk(method: str) -> int:
    """Bytes of activations that the full trunk keeps of a 321x321 image for its backward pass."""
    return kept_bytes(Case(method=method, tasks=0, size=(321, 321), scales=1))


def test_the_trunk_keeps_the_inputs_of_its_segments():
    inputs = [(321, 3)]  # side and channels of each segment's input, float32
    for block in BLOCKS:
        inputs.append((320 // (block.stride * block.pool_stride) + 1, block.channels))
    assert kept_by_trunk('ours') <= 1.01 * sum(4 * side**2 * depth for side, depth in inputs)


def test_without_remat_the_trunk_keeps_every_layer():
    assert kept_by_trunk('no checkpoints') > 8 * kept_by_trunk('ours')
