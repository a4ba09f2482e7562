"""Gradients of a micro-batch, compared with plain differentiation; balancing and uncertainty."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.plain import plain_gradients
from helpers import plain_network
from helpers.networks import make_batch, make_state
from helpers.tiny_network import DETECTOR
from ubernet_jax import config as c
from ubernet_jax.batch import Batch
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.network import SHARED, Network, make_network
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.task_gradients import compute_gradients

pytestmark = pytest.mark.slow

KEY = jax.random.PRNGKey(0)

# A task for each kind of loss; a segmentation with a hidden layer and a stride.
ALL_KINDS = {
    'boundaries': c.Boundaries(weight=0.5),
    'depth': c.Depth(),
    'detection': c.PAPER['detection'](weight=0.5, detector=DETECTOR),
    'normals': c.Normals(weight=5.0),
    'objects': c.Segmentation(classes=('none', 'cup', 'plate'), stride=4, hidden=3, weight=2.0),
}


@pytest.fixture(scope='module')
def gradient_functions():
    """Functions of a micro-batch: `compute_gradients`, and plain differentiation."""
    config = c.Config(tasks=ALL_KINDS, model=c.ModelConfig(width=1 / 16, scales=2))
    settings, state = make_step_settings(config, make_network(config)), make_state(config)

    def bind(function):
        jitted = jax.jit(functools.partial(function, settings))
        arguments = state.params, state.batch_stats
        return lambda batch: jax.device_get(jitted(*arguments, batch, state.rng))

    return bind(compute_gradients), bind(plain_gradients)


def test_gradients_equal_those_of_the_plain_sum_of_losses(gradient_functions):
    structured, plain = gradient_functions
    rng = np.random.default_rng(0)
    shape = (2, len(ALL_KINDS))
    patterns = [np.zeros(shape, bool), np.ones(shape, bool)]
    patterns += [rng.random(shape) < 0.4 for _ in range(8)]
    for seed, labelled in enumerate(patterns):
        batch = make_batch(ALL_KINDS, labelled, seed=seed)
        actual, (wanted, losses) = structured(batch), plain(batch)
        assert [count.real for count in actual.labelled.values()] == labelled.sum(0).tolist()
        actual_losses = {name: loss.real for name, loss in actual.losses.items()}
        chex.assert_trees_all_close(actual_losses, losses, rtol=1e-5)
        chex.assert_trees_all_equal_structs(actual.sums, wanted)
        trained = {SHARED: labelled.any(), **dict(zip(ALL_KINDS, labelled.any(0), strict=True))}
        for group, tree in wanted.items():
            leaves = jax.tree.leaves(tree)
            assert all(np.any(leaf != 0) == trained[group] for leaf in leaves)
            tolerance = 1e-5 * max(np.abs(leaf).max() for leaf in leaves)
            chex.assert_trees_all_close(actual.sums[group], tree, rtol=1e-4, atol=tolerance)


# The heads `plus` and `minus` have opposite scores and equal targets, so they are in conflict.
WEIGHT = 2.0
CONFLICTING = {
    name: c.PAPER['segmentation'](weight=WEIGHT) for name in ('plus', 'minus', 'unrelated')
}


@pytest.fixture(scope='module')
def network() -> Network:
    return Network(c.ModelConfig(width=1 / 16, scales=1), CONFLICTING)


@pytest.fixture(scope='module')
def variables(network) -> tuple[dict, dict]:
    params, stats = jax.tree.map(jnp.asarray, plain_network.random_variables(network))
    fusion = jax.tree.map(jnp.negative, params['plus']['fuse_skips'])
    params['minus'] = {**params['plus'], 'fuse_skips': fusion}
    return params, stats


def labelled_batch(*labelled: str) -> Batch:
    batch = make_batch(CONFLICTING, np.array([[name in labelled for name in CONFLICTING]]))
    batch.targets['minus'] = batch.targets['plus']
    return batch


def bind_gradients(network: Network, **settings: object):
    config = c.Config(tasks=CONFLICTING, **settings)
    return jax.jit(functools.partial(compute_gradients, make_step_settings(config, network)))


@pytest.fixture(scope='module')
def plain(network, variables):
    """batch -> gradients, with all options off."""
    compute = bind_gradients(network)
    return lambda batch: compute(*variables, batch, KEY)


@pytest.fixture(scope='module')
def balanced(network, variables):
    """(batch, log-variance) -> gradients, with PCGrad and uncertainty."""
    pcgrad = c.BalancingConfig(method=c.Balancing.PCGRAD)
    compute = bind_gradients(
        network, optim=c.OptimConfig(balancing=pcgrad), loss=c.LossConfig(uncertainty=True)
    )
    params, stats = variables

    def bound(batch, log_variance: float = 0.0):
        heads = {
            name: {**params[name], LOG_VARIANCE: jnp.float32(log_variance)} for name in CONFLICTING
        }
        return compute(params | heads, stats, batch, KEY)

    return bound


@pytest.fixture(scope='module')
def gram(network, variables) -> np.ndarray:
    """Inner products of the cotangents of `plus` and `minus`, computed directly."""
    batch, (params, stats) = labelled_batch('plus', 'minus'), variables

    def cotangents(params: dict, stats: dict) -> list:
        valid = batch.valid
        features, _ = network.features(params[SHARED], stats, batch.image, valid, KEY)

        def loss(features, name):
            maps = network.head(name).apply({'params': params[name]}, features)
            target, labelled = batch.targets[name], batch.labelled[name]
            return WEIGHT * CONFLICTING[name].loss(maps, target, valid, labelled).sum()

        return [jax.grad(loss)(features, name) for name in ('plus', 'minus')]

    computed = jax.jit(cotangents)(params, stats)
    flat = np.stack([np.concatenate([x.ravel() for x in jax.tree.leaves(c)]) for c in computed])
    return flat.astype(float) @ flat.astype(float).T


def test_the_trunk_receives_the_projected_gradients(plain, balanced, gram):
    alone = [plain(labelled_batch(name)).sums[SHARED] for name in ('plus', 'minus')]
    assert gram[0, 1] < -0.3 * np.sqrt(gram[0, 0] * gram[1, 1])
    weights = 1 - gram[0, 1] / gram.diagonal()
    wanted = jax.tree.map(lambda a, b: weights[0] * a + weights[1] * b, *alone)
    actual = balanced(labelled_batch('plus', 'minus')).sums[SHARED]
    unbalanced = plain(labelled_batch('plus', 'minus')).sums[SHARED]

    def compare(actual: jax.Array, wanted: jax.Array, unbalanced: jax.Array) -> None:
        tolerance = 1e-4 * np.abs(wanted).max()
        np.testing.assert_allclose(actual, wanted, rtol=1e-3, atol=tolerance)
        assert np.abs(actual - unbalanced).max() > 10 * tolerance

    jax.tree.map(compare, actual, wanted, unbalanced)


def test_balancing_changes_no_gradient_of_a_head(plain, balanced):
    batch = labelled_batch('plus', 'minus')
    actual, wanted = balanced(batch).sums, plain(batch).sums
    for name in CONFLICTING:
        head = {key: leaf for key, leaf in actual[name].items() if key != LOG_VARIANCE}
        chex.assert_trees_all_close(head, wanted[name], rtol=1e-5)
    assert not any(leaf.any() for leaf in jax.tree.leaves(actual['unrelated']))


def test_the_gradient_of_a_single_labelled_task_is_not_balanced(plain, balanced):
    batch = labelled_batch('unrelated')
    actual, wanted = balanced(batch).sums[SHARED], plain(batch).sums[SHARED]
    chex.assert_trees_all_close(actual, wanted, rtol=1e-4, atol=1e-6)
    unlabelled = balanced(labelled_batch())
    assert not any(leaf.any() for leaf in jax.tree.leaves(unlabelled.sums))


def test_uncertainty_divides_a_loss_by_its_variance_and_learns_the_variance(plain, balanced):
    batch = labelled_batch('unrelated')
    actual, wanted = balanced(batch, np.log(4)), plain(batch)
    loss = float(wanted.losses['unrelated'].real)
    assert float(actual.losses['unrelated'].real) == pytest.approx(loss)
    log_variance = actual.sums['unrelated'].pop(LOG_VARIANCE)
    assert float(log_variance) == pytest.approx(WEIGHT * (0.5 - loss / 4), rel=1e-5)
    for group in (SHARED, 'unrelated'):
        quarter = jax.tree.map(lambda x: x / 4, wanted.sums[group])
        chex.assert_trees_all_close(actual.sums[group], quarter, rtol=1e-4, atol=1e-6)
    assert actual.sums['plus'][LOG_VARIANCE] == 0
