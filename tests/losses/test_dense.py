"""Losses: literal numbers, and what void pixels, padding and missing labels leave untouched."""

# ruff: noqa: F722 (the shapes of jaxtyping look like forward references)

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Array, Bool, Float, Float16, Int16, UInt8, jaxtyped

from ubernet_jax.labels import VOID
from ubernet_jax.labels.unit_vectors import to_integers
from ubernet_jax.losses.bags import best_of_bag, multiple_instance, window_maximum
from ubernet_jax.losses.dense import (
    cross_entropy,
    image_means,
    to_unit_length,
    unit_vector,
    with_gradient,
)
from ubernet_jax.tasks import PAPER, Depth
from ubernet_jax.tasks.boundaries import BagTask
from ubernet_jax.tasks.depth import DepthLoss

LN2, LN3 = np.log(2), np.log(3)


@functools.partial(jax.jit, static_argnums=0)
@jaxtyped(typechecker=beartype)
def unreduced(
    loss: Callable,
    scores: Float[Array, 'n h w c'],
    target: UInt8[Array, 'n h w'] | Float[Array, 'n h w 3'],
    *constants: Array | float,
) -> tuple[Float[Array, 'n h w'], Bool[Array, 'n h w']]:
    """Any of the three losses, its shapes checked."""
    return loss(scores, target, *constants)


@functools.partial(jax.jit, static_argnums=2)
def instances(
    scores: jax.Array, target: jax.Array, radius: int, weights: tuple[float, float] = (1.0, 1.0)
) -> tuple[jax.Array, jax.Array]:
    def loss(scores: jax.Array, target: jax.Array, *weights: jax.Array) -> tuple:
        return multiple_instance(scores, target, jnp.ones(target.shape, bool), radius, *weights)

    return unreduced(loss, scores, target, *weights)


def row(*values: object) -> np.ndarray:
    """A batch of one image of one row: scores and vectors as floats, classes as bytes."""
    array = np.array([[values]])
    return array.astype(np.float32 if array.dtype.kind == 'f' else np.uint8)


def test_cross_entropy_of_literal_scores():
    scores = row([0.0, LN3], [0.0, LN3], [LN2, LN2], [5.0, 7.0])
    loss, counted = unreduced(cross_entropy, scores, row(0, 1, 0, VOID))
    np.testing.assert_allclose(loss[0, 0, :3], [2 * LN2, 2 * LN2 - LN3, LN2], rtol=1e-6)
    assert counted.tolist() == [[[True, True, True, False]]]


def test_unit_vectors_of_literal_scores():
    scores = row([3.0, 4.0, 0.0], [0.0, 0.0, 9.0], [1.0, 2.0, 3.0])
    target = row([0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0])
    for transition, wanted in ((1.0, (0.36 + 0.04) / 2), (0.5, (0.6 - 0.25) + 0.04)):
        loss, counted = unreduced(unit_vector, scores, target, transition)
        np.testing.assert_allclose(loss[0, 0, :2], [wanted, 0], atol=1e-6)
        assert counted.tolist() == [[[True, True, False]]]


def test_a_bag_picks_the_best_neighbour_and_holds_no_negatives():
    scores = row([0.0, 0.0], [0.0, LN3], [0.0, 0.0], [0.0, 0.0], [LN3, 0.0])
    loss, counted = instances(scores, row(0, 0, 1, 0, 0), 1, (0.95, 0.05))
    assert counted.tolist() == [[[True, False, True, False, True]]]
    wanted = [0.05 * LN2, 0.95 * (2 * LN2 - LN3), 0.05 * (2 * LN2 - LN3)]
    np.testing.assert_allclose(loss[0, 0, ::2], wanted, rtol=1e-6)


def test_a_bag_is_a_square():
    scores, target = np.zeros((1, 7, 7, 2), np.float32), np.zeros((1, 7, 7), np.uint8)
    scores[0, 1, 5, 1] = 9
    target[0, 3, 3] = 1
    for radius in (1, 2):
        loss, counted = instances(scores, target, radius)
        assert (loss[0, 3, 3] < 0.01) == (radius == 2)
        assert np.sum(~counted) == (2 * radius + 1) ** 2 - 1


def test_a_bag_looks_for_its_own_class():
    scores = row(*np.log([[0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]))
    loss, _ = instances(scores, row(0, 1, 2), 1)
    np.testing.assert_allclose(loss[0, 0, 1:], -np.log([0.7, 0.6]), rtol=1e-6)


def test_the_gradient_goes_to_the_best_of_a_bag():
    scores = row([0.0, 1.0], [0.0, 3.0], [0.0, 2.0], [0.0, 5.0], [0.0, 7.0])
    target = row(VOID, VOID, 1, VOID, VOID)

    @jax.jit
    @jax.grad
    def gradient(scores: jax.Array) -> jax.Array:
        return instances(scores, target, 1)[0][0, 0, 2]

    touched = np.any(gradient(scores) != 0, -1)
    assert touched.tolist() == [[[False, False, False, True, False]]]


def test_radius_0_is_weighted_cross_entropy():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, 5, 6, 4)).astype(np.float32)
    target = rng.choice([0, 1, 2, 3, VOID], (2, 5, 6)).astype(np.uint8)
    loss, counted = instances(scores, target, 0, (0.95, 0.05))
    plain, plain_counted = unreduced(cross_entropy, scores, target)
    np.testing.assert_array_equal(counted, plain_counted)
    weighted = np.where(target == 0, 0.05, 0.95) * plain
    np.testing.assert_allclose(np.where(counted, loss, 0), np.where(counted, weighted, 0), 1e-6)


def test_a_void_pixel_is_neither_a_boundary_nor_its_neighbour():
    _, counted = instances(row(*[[0.0, 0.0]] * 5), row(0, VOID, 0, 0, 0), 1)
    assert counted.tolist() == [[[True, False, True, True, True]]]


def test_window_maximum_of_literal_numbers():
    x = row([5.0], [-1.0], [-2.0], [-3.0], [4.0])
    maximum = jax.jit(window_maximum, static_argnums=(1, 2))
    assert maximum(x, 1, 2).ravel().tolist() == [5, 5, -1, 4, 4]
    assert maximum(x, 9, 2).ravel().tolist() == [5] * 5
    assert maximum(x, 0, 2).ravel().tolist() == [5, -1, -2, -3, 4]
    assert maximum(x, 1, 1).ravel().tolist() == [5, -1, -2, -3, 4]


@pytest.mark.parametrize('radius', [0, 1, 2, 9])
def test_the_best_of_a_bag_is_that_of_a_search_pixel_by_pixel(radius):
    rng = np.random.default_rng(radius)
    values = rng.permutation(2 * 5 * 6 * 3).reshape(2, 5, 6, 3).astype(np.float32)
    label = rng.integers(3, size=(2, 5, 6), dtype=np.uint8)
    best = np.asarray(jax.jit(best_of_bag, static_argnums=2)(values, label, radius))
    for image, row, column in np.ndindex(label.shape):
        top, left = max(0, row - radius), max(0, column - radius)
        bag = values[image, top : row + radius + 1, left : column + radius + 1]
        found = values[..., label[image, row, column]].ravel()[best[image, row, column]]
        assert found == bag[..., label[image, row, column]].max()
        assert best[image, row, column] // 30 == image


def test_an_image_counts_by_its_mean_whatever_is_not_counted():
    loss = jnp.array([[[1.0, 2, 6]], [[1, jnp.inf, jnp.nan]], [[jnp.nan, 1, 2]]])
    counted = jnp.array([[[True] * 3], [[True, False, False]], [[False] * 3]])
    assert image_means(loss, counted).tolist() == [3, 1, 0]


def test_a_loss_with_its_gradient_keeps_nothing_else():
    scores = jax.random.normal(jax.random.PRNGKey(0), (1, 5, 7, 3))

    def loss(scores: jax.Array) -> jax.Array:
        return jnp.square(jax.nn.log_softmax(scores)).sum()

    value, pull = jax.vjp(with_gradient(loss), scores)
    wanted, gradient = jax.value_and_grad(loss)(scores)
    np.testing.assert_array_equal(value, wanted)
    np.testing.assert_array_equal(jax.tree.leaves(pull), [gradient])
    np.testing.assert_allclose(pull(jnp.full((), 3.0))[0], 3 * gradient, rtol=1e-6)


def test_unit_length_has_a_finite_gradient_at_zero():
    jacobian = jax.jit(jax.jacobian(to_unit_length))
    assert np.isfinite(jacobian(np.zeros(3, np.float32))).all()
    # A longer vector has the same direction: no gradient along itself.
    vector = np.array([0, -3, 4], np.float32)
    np.testing.assert_allclose(np.asarray(jacobian(vector)) @ vector, 0, atol=1e-6)


# What all dense tasks have in common.

DENSE = {name: make() for name, make in PAPER.items() if name != 'detection'}
DENSE |= {f'depth {loss.value}': Depth(criterion=loss) for loss in DepthLoss}


def draw(name: str, side: int, maps: int = 1) -> tuple[list[np.ndarray], np.ndarray]:
    """Score maps and a target of two images of `side` x `side`, a quarter of it void."""
    task = DENSE[name]
    rng = np.random.default_rng(0)
    own = (side - 1) // task.stride + 1
    size = (maps, 2, own, own, task.channels)
    scores = list(rng.normal(size=size).astype(np.float32))
    shape = (2, side, side)
    void = rng.random(shape) < 0.25
    if name == 'normals':
        vectors = rng.normal(size=(*shape, 3))
        vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        return scores, to_integers(np.where(void[..., None], 0, vectors))
    if isinstance(task, Depth):
        return scores, np.where(void, 0, rng.uniform(1, 5, shape)).astype(np.float16)
    likely = [0.9] if isinstance(task, BagTask) else [1 / task.channels]
    rest = np.full(task.channels - 1, (1 - likely[0]) / (task.channels - 1))
    classes = rng.choice(task.channels, shape, p=[*likely, *rest])
    return scores, np.where(void, VOID, classes).astype(np.uint8)


@pytest.fixture(scope='module', params=DENSE)
def name(request) -> str:
    return request.param


@pytest.fixture(scope='module')
def measure(name):
    """(maps, target, valid, labelled) -> (loss, gradient of the maps), compiled once a shape."""

    @jaxtyped(typechecker=beartype)
    def loss(
        maps: list[Float[Array, 'n h w c']],
        target: UInt8[Array, 'n H W'] | Float16[Array, 'n H W'] | Int16[Array, 'n H W 3'],
        valid: Bool[Array, 'n H W'],
        labelled: Bool[Array, ' n'],
    ) -> Float[Array, '']:
        return DENSE[name].loss(maps, target, valid, labelled)

    fast_compilation = {'xla_backend_optimization_level': 0}
    return jax.jit(jax.value_and_grad(loss), compiler_options=fast_compilation)


BOTH = np.array([True, True])


def test_an_unlabelled_image_has_exactly_no_gradient(name, measure):
    maps, target = draw(name, 17)
    valid = np.ones((2, 17, 17), bool)
    both, both_gradient = measure(maps, target, valid, BOTH)
    values = []
    for image in range(2):
        value, gradient = measure(maps, target, valid, np.arange(2) == image)
        for own, all_ in zip(gradient, both_gradient, strict=True):
            assert np.all(own[1 - image] == 0) and np.any(own[image] != 0)
            np.testing.assert_array_equal(own[image], all_[image])
        values.append(value)
    np.testing.assert_allclose(sum(values), both, rtol=1e-6)


def test_every_map_adds_its_loss():
    loss = DENSE['parts'].loss
    maps, target = draw('parts', 17, maps=4)
    valid = np.ones((2, 17, 17), bool)
    total = loss(maps, target, valid, BOTH)
    single = [loss([one], target, valid, BOTH) for one in maps]
    np.testing.assert_allclose(sum(single), total, rtol=1e-6)
    assert len({float(own) for own in single}) == 4
    *scales, fused = single
    for weight in (0.0, 0.3):
        weighted = loss(maps, target, valid, BOTH, scale_weight=weight)
        np.testing.assert_allclose(weighted, weight * sum(scales) + fused, rtol=1e-6)


def test_padding_changes_nothing(name, measure):
    maps, target = draw(name, 17)
    value, gradient = measure(maps, target, np.ones((2, 17, 17), bool), BOTH)
    padded_maps, padded_target = draw(name, 33)
    valid = np.zeros((2, 33, 33), bool)
    valid[:, :17, :17] = True
    padded_target[:, :17, :17] = target
    for padded, own in zip(padded_maps, maps, strict=True):
        padded[..., 1:] += 5  # padding scores well, and must not be chosen for it
        padded[:, : own.shape[1], : own.shape[2]] = own
    padded_value, padded_gradient = measure(padded_maps, padded_target, valid, BOTH)
    np.testing.assert_allclose(padded_value, value, rtol=1e-6)
    for padded, own in zip(padded_gradient, gradient, strict=True):
        window = np.s_[:, : own.shape[1], : own.shape[2]]
        np.testing.assert_allclose(padded[window], own, atol=1e-7)
        outside = np.array(padded)
        outside[window] = 0
        assert not outside.any()


def test_a_map_without_a_valid_pixel_is_no_loss(name, measure):
    maps, target = draw(name, 17)
    void = np.full_like(target, VOID if target.dtype == np.uint8 else 0)
    valid = np.ones((2, 17, 17), bool)
    for own_target, own_valid in ((void, valid), (target, ~valid)):
        value, gradient = measure(maps, own_target, own_valid, BOTH)
        assert value == 0
        assert all(np.all(own == 0) for own in gradient)


def test_extreme_scores_stay_finite(name, measure):
    maps, target = draw(name, 17)
    for factor in (0, 1e4):
        extreme = [scores * np.float32(factor) for scores in maps]
        value, gradient = measure(extreme, target, np.ones((2, 17, 17), bool), BOTH)
        assert np.isfinite(value)
        assert all(np.isfinite(own).all() for own in gradient)
