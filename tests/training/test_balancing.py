"""Ways to put the tasks' gradients together: what each promises, and that the step keeps it."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import plain_network
from helpers.networks import FAST_COMPILATION, make_batch
from ubernet_jax.config import (
    PAPER,
    Balancing,
    BalancingConfig,
    Config,
    LossConfig,
    ModelConfig,
    Normals,
    OptimConfig,
)
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.network import SHARED, Network, init_variables
from ubernet_jax.training import balancing
from ubernet_jax.training.step import compute_gradients

KEY = jax.random.PRNGKey(0)
fast_jit = functools.partial(jax.jit, compiler_options=FAST_COMPILATION)
WEIGHINGS = {
    'equal norms': fast_jit(balancing.equal_norms),
    'pcgrad': fast_jit(balancing.pcgrad),
    'cagrad': fast_jit(functools.partial(balancing.cagrad, radius=0.4)),
}
PCGRAD = BalancingConfig(method=Balancing.PCGRAD)
cagrad = fast_jit(balancing.cagrad)


def weigh(method: str, gradients: list[list[float]], key: jax.Array = KEY) -> np.ndarray:
    """The weights of gradients (K, D)."""
    gradients = np.array(gradients, np.float32)
    return np.asarray(WEIGHINGS[method](gradients @ gradients.T, key))


@pytest.mark.parametrize('method', WEIGHINGS)
@pytest.mark.parametrize('gradients', [[[0, 0], [3, 4]], [[3, 4], [3, 4]]])
def test_a_gradient_alone_or_twice_keeps_its_sum(method, gradients):
    combined = weigh(method, gradients) @ gradients
    np.testing.assert_allclose(combined, np.sum(gradients, 0), rtol=1e-4)


@pytest.mark.parametrize('method', WEIGHINGS)
def test_an_empty_slot_changes_nothing(method):
    gradients = [[1, 0], [-1, 1]]
    wanted = weigh(method, gradients)
    first, empty, last = weigh(method, [gradients[0], [0, 0], gradients[1]])
    np.testing.assert_allclose((first, last), wanted, rtol=1e-5)
    assert np.isfinite(empty)
    assert np.isfinite(weigh(method, [[0, 0], [0, 0]])).all()


def test_equal_norms_are_equal_and_their_weights_add_up_to_the_number_of_gradients():
    # Lengths 5 and 10: both become 20 / 3.
    np.testing.assert_allclose(weigh('equal norms', [[3, 4], [0, 10]]), [4 / 3, 2 / 3], rtol=1e-6)


def test_pcgrad_takes_away_what_points_against_the_other():
    # (1, 0) becomes (1/2, 1/2), which is at right angles to (-1, 1); that becomes (0, 1).
    weights = weigh('pcgrad', [[1, 0], [-1, 1]])
    np.testing.assert_allclose(weights @ [[1, 0], [-1, 1]], [0.5, 1.5], rtol=1e-6)


def test_pcgrad_leaves_gradients_without_conflict_as_they_are():
    np.testing.assert_array_equal(weigh('pcgrad', [[1, 0], [0, 2], [3, 1]]), [1, 1, 1])


def test_pcgrad_is_the_papers_algorithm_in_one_of_its_random_orders():
    gradients = np.array([[1.0, 0.2, 0.1], [-1.0, 0.5, 0.3], [-0.3, -1.0, 0.4]])

    def project(own: int, order: tuple[int, ...]) -> np.ndarray:
        gradient = gradients[own]
        for other in order:
            product = gradient @ gradients[other]
            if product < 0:
                gradient = gradient - product / (gradients[other] ** 2).sum() * gradients[other]
        return gradient

    each = [
        [project(own, order) for order in itertools.permutations({0, 1, 2} - {own})]
        for own in range(3)
    ]
    possible = np.array([sum(chosen) for chosen in itertools.product(*each)])
    seen = set()
    for key in jax.random.split(KEY, 16):
        combined = weigh('pcgrad', gradients, key) @ gradients
        distances = np.abs(possible - combined).max(1)
        assert distances.min() < 1e-5
        seen.add(int(distances.argmin()))
    assert len(seen) > 1


@pytest.mark.parametrize('radius', [0.0, 0.2, 0.8])
@pytest.mark.parametrize(
    'gradients', [[[2, 0], [-1, 1]], [[1, 0], [-2, 0.1]], [[3, 1], [-1, 1], [0.1, -0.5]]]
)
def test_cagrad_serves_the_worst_served_task_best(gradients, radius):
    gradients = np.array(gradients, np.float32)
    count, mean = len(gradients), gradients.mean(0)
    weights = cagrad(gradients @ gradients.T, KEY, radius)
    direction = np.asarray(weights) @ gradients * (1 + radius) / count
    reach = radius * np.linalg.norm(mean)
    assert np.linalg.norm(direction - mean) <= 1.001 * reach + 1e-6
    angles = np.linspace(0, 2 * np.pi, 10_001)
    ball = mean + reach * np.stack([np.cos(angles), np.sin(angles)], 1)
    best = (ball @ gradients.T).min(1).max()
    unit = np.linalg.norm(mean) * np.linalg.norm(gradients)
    assert (gradients @ direction).min() == pytest.approx(best, abs=float(0.002 * unit))


@pytest.mark.parametrize(
    ('method', 'tasks', 'wanted'),
    [
        # The gradients (1, 0), (-1, 1) and (0, 2), in so many slots.
        (Balancing.NONE, 2, (0, 3)),
        (Balancing.PCGRAD, 2, (0.9, 3.3)),  # (-1, 1) and (0, 2) are one: (-1, 3)
        (Balancing.PCGRAD, 3, (0.5, 3.5)),
        (Balancing.PCGRAD, 9, (0.5, 3.5)),
        (Balancing.EQUAL_NORMS, 9, None),
        (Balancing.CAGRAD, 9, None),
    ],
)
def test_the_last_slot_takes_the_sum_of_what_is_left(method, tasks, wanted):
    gradients = np.array([[1, 0], [-1, 1], [0, 2]])
    if wanted is None:
        name = {Balancing.EQUAL_NORMS: 'equal norms', Balancing.CAGRAD: 'cagrad'}[method]
        wanted = weigh(name, gradients) @ gradients
    combined = combine(gradients, BalancingConfig(method=method, tasks=tasks))
    np.testing.assert_allclose(combined, wanted, rtol=1e-5)


@pytest.mark.parametrize(('frozen_blocks', 'wanted'), [(0, (0, 1.6)), (1, (0, 1))])
def test_what_a_frozen_block_would_learn_is_no_conflict(frozen_blocks, wanted):
    # Their product is -0.75, a conflict, but 0.25 without the frozen block's.
    combined = combine([[1, 0.5], [-1, 0.5]], PCGRAD, frozen_blocks)
    np.testing.assert_allclose(combined, wanted, atol=1e-6)


def combine(
    gradients: list[list[float]], balancing_config: BalancingConfig, frozen_blocks: int = 0
) -> tuple[float, float]:
    """Of gradients (K, 2), trees of two leaves: of the first block's skip and of another."""
    config = Config(
        tasks=dict.fromkeys('abc', Normals()),
        optim=OptimConfig(balancing=balancing_config),
        model=ModelConfig(frozen_blocks=frozen_blocks),
    )
    combination = balancing.make_combination(config)
    trees = [
        {'conv1_2': jnp.full((1, 1), x, jnp.bfloat16), 'fc7': jnp.full((1,), y, jnp.bfloat16)}
        for x, y in gradients
    ]
    total = combination.init(trees[0])
    for tree in trees:
        total = combination.add(total, tree)
    combined = fast_jit(combination.finish)(total, KEY)
    chex.assert_trees_all_equal_shapes(combined, trees[0])
    assert {leaf.dtype for leaf in jax.tree.leaves(combined)} == {jnp.dtype('float32')}
    return combined['conv1_2'].item(), combined['fc7'].item()


# Heads `for` and `against` have opposite scores and equal targets, so they are in conflict.
WEIGHT = 2.0
TASKS = {name: PAPER['segmentation'](weight=WEIGHT) for name in ('for', 'against', 'other')}


@pytest.fixture(scope='module')
def network() -> Network:
    return Network(ModelConfig(width=1 / 16, scales=1), TASKS)


@pytest.fixture(scope='module')
def variables(network) -> tuple[dict, dict]:
    params, stats = jax.tree.map(jnp.asarray, plain_network.random_variables(network))
    fusion = jax.tree.map(jnp.negative, params['for']['fuse_skips'])
    params['against'] = {**params['for'], 'fuse_skips': fusion}
    return params, stats


def labelled_batch(*labelled: str):
    batch = make_batch(TASKS, np.array([[name in labelled for name in TASKS]]))
    batch.targets['against'] = batch.targets['for']
    return batch


def bind_gradients(network: Network, **settings: object):
    config = Config(tasks=TASKS, **settings)
    return fast_jit(functools.partial(compute_gradients, network, config))


@pytest.fixture(scope='module')
def plain(network, variables):
    """batch -> gradients, without any of the options."""
    compute = bind_gradients(network)
    return lambda batch: compute(*variables, batch, KEY)


@pytest.fixture(scope='module')
def balanced(network, variables):
    """(batch, log-variance) -> gradients, with PCGrad and uncertainty."""
    compute = bind_gradients(
        network, optim=OptimConfig(balancing=PCGRAD), loss=LossConfig(uncertainty=True)
    )
    params, stats = variables

    def bound(batch, log_variance: float = 0.0):
        own = {name: {**params[name], LOG_VARIANCE: jnp.float32(log_variance)} for name in TASKS}
        return compute(params | own, stats, batch, KEY)

    return bound


@pytest.fixture(scope='module')
def gram(network, variables) -> np.ndarray:
    """Inner products of the cotangents of `for` and `against`, written out."""
    batch, (params, stats) = labelled_batch('for', 'against'), variables

    def cotangents(params: dict, stats: dict) -> list:
        valid = batch.valid
        features, _ = network.features(params[SHARED], stats, batch.image, valid, KEY)

        def loss(features, name):
            maps = network.head(name).apply({'params': params[name]}, features)
            target, labelled = batch.targets[name], batch.labelled[name]
            return WEIGHT * TASKS[name].loss(maps, target, valid, labelled)

        return [jax.grad(loss)(features, name) for name in ('for', 'against')]

    computed = fast_jit(cotangents)(params, stats)
    flat = np.stack([np.concatenate([x.ravel() for x in jax.tree.leaves(c)]) for c in computed])
    return flat.astype(float) @ flat.astype(float).T


def test_the_trunk_learns_from_the_projected_gradients(plain, balanced, gram):
    alone = [plain(labelled_batch(name)).sums[SHARED] for name in ('for', 'against')]
    assert gram[0, 1] < -0.3 * np.sqrt(gram[0, 0] * gram[1, 1])
    weights = 1 - gram[0, 1] / gram.diagonal()
    wanted = jax.tree.map(lambda a, b: weights[0] * a + weights[1] * b, *alone)
    actual = balanced(labelled_batch('for', 'against')).sums[SHARED]
    unbalanced = plain(labelled_batch('for', 'against')).sums[SHARED]

    def compare(actual: jax.Array, wanted: jax.Array, unbalanced: jax.Array) -> None:
        tolerance = 1e-4 * np.abs(wanted).max()
        np.testing.assert_allclose(actual, wanted, rtol=1e-3, atol=tolerance)
        assert np.abs(actual - unbalanced).max() > 10 * tolerance

    jax.tree.map(compare, actual, wanted, unbalanced)


def test_heads_learn_from_their_own_losses_and_an_unlabelled_one_not_at_all(plain, balanced):
    batch = labelled_batch('for', 'against')
    actual, wanted = balanced(batch).sums, plain(batch).sums
    for name in TASKS:
        own = {key: leaf for key, leaf in actual[name].items() if key != LOG_VARIANCE}
        chex.assert_trees_all_close(own, wanted[name], rtol=1e-5)
    assert not any(leaf.any() for leaf in jax.tree.leaves(actual['other']))


def test_a_task_alone_in_its_micro_batch_is_left_alone(plain, balanced):
    batch = labelled_batch('other')
    actual, wanted = balanced(batch).sums[SHARED], plain(batch).sums[SHARED]
    chex.assert_trees_all_close(actual, wanted, rtol=1e-4, atol=1e-6)
    nothing = balanced(labelled_batch())
    assert not any(leaf.any() for leaf in jax.tree.leaves(nothing.sums))


def test_uncertainty_divides_a_loss_by_its_variance_and_learns_it(plain, balanced):
    batch = labelled_batch('other')
    actual, wanted = balanced(batch, np.log(4)), plain(batch)
    assert float(actual.losses['other']) == pytest.approx(float(wanted.losses['other']))
    log_variance = actual.sums['other'].pop(LOG_VARIANCE)
    assert float(log_variance) == pytest.approx(
        WEIGHT * (0.5 - float(wanted.losses['other']) / 4), rel=1e-5
    )
    for group in (SHARED, 'other'):
        quarter = jax.tree.map(lambda x: x / 4, wanted.sums[group])
        chex.assert_trees_all_close(actual.sums[group], quarter, rtol=1e-4, atol=1e-6)
    assert actual.sums['for'][LOG_VARIANCE] == 0


def test_a_run_with_uncertainty_has_a_log_variance_in_every_tasks_group():
    config = Config(tasks={'depth': Normals()}, loss=LossConfig(uncertainty=True))
    params, _ = jax.eval_shape(lambda: init_variables(config, KEY))
    assert params['depth'][LOG_VARIANCE].shape == ()
    assert LOG_VARIANCE not in params[SHARED]
    config.loss.uncertainty = False
    params, _ = jax.eval_shape(lambda: init_variables(config, KEY))
    assert LOG_VARIANCE not in params['depth']
