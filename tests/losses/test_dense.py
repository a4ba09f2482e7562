"""Dense losses: literal numbers, and the handling of void pixels, padding and missing labels."""

# ruff: noqa: F722 (the shapes of jaxtyping look like forward references)

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Array, Bool, Float, Float16, Int8, UInt8, jaxtyped

from ubernet_jax.labels import VOID
from ubernet_jax.labels.unit_vectors import to_integers
from ubernet_jax.losses.bags import best_of_bag, multiple_instance, window_maximum
from ubernet_jax.losses.dense import (
    cross_entropy,
    image_means,
    length_error,
    to_unit_length,
    unit_vector,
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
    """Applies one of the three losses and checks its shapes."""
    return loss(scores, target, *constants)


@functools.partial(jax.jit, static_argnums=2)
def bag_loss(
    scores: jax.Array, target: jax.Array, radius: int, weights: tuple[float, float] = (1.0, 1.0)
) -> tuple[jax.Array, jax.Array]:
    def loss(scores: jax.Array, target: jax.Array, *weights: jax.Array) -> tuple:
        return multiple_instance(scores, target, jnp.ones(target.shape, bool), radius, *weights)

    return unreduced(loss, scores, target, *weights)


def row(*values: object) -> np.ndarray:
    """A batch of one image with a single row: scores and vectors as floats, classes as bytes."""
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
    for transition, expected in ((1.0, (0.36 + 0.04) / 2), (0.5, (0.6 - 0.25) + 0.04)):
        loss, counted = unreduced(unit_vector, scores, target, transition)
        np.testing.assert_allclose(loss[0, 0, :2], [expected, 0], atol=1e-6)
        assert counted.tolist() == [[[True, True, False]]]


def test_a_bag_uses_the_best_neighbour_and_contains_no_negatives():
    scores = row([0.0, 0.0], [0.0, LN3], [0.0, 0.0], [0.0, 0.0], [LN3, 0.0])
    loss, counted = bag_loss(scores, row(0, 0, 1, 0, 0), 1, (0.95, 0.05))
    assert counted.tolist() == [[[True, False, True, False, True]]]
    expected = [0.05 * LN2, 0.95 * (2 * LN2 - LN3), 0.05 * (2 * LN2 - LN3)]
    np.testing.assert_allclose(loss[0, 0, ::2], expected, rtol=1e-6)


def test_a_bag_is_a_square():
    scores, target = np.zeros((1, 7, 7, 2), np.float32), np.zeros((1, 7, 7), np.uint8)
    scores[0, 1, 5, 1] = 9
    target[0, 3, 3] = 1
    for radius in (1, 2):
        loss, counted = bag_loss(scores, target, radius)
        assert (loss[0, 3, 3] < 0.01) == (radius == 2)
        assert np.sum(~counted) == (2 * radius + 1) ** 2 - 1


def test_a_bag_uses_the_scores_of_its_class():
    scores = row(*np.log([[0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]))
    loss, _ = bag_loss(scores, row(0, 1, 2), 1)
    np.testing.assert_allclose(loss[0, 0, 1:], -np.log([0.7, 0.6]), rtol=1e-6)


def test_the_gradient_flows_to_the_best_pixel_of_a_bag():
    scores = row([0.0, 1.0], [0.0, 3.0], [0.0, 2.0], [0.0, 5.0], [0.0, 7.0])
    target = row(VOID, VOID, 1, VOID, VOID)

    @jax.jit
    @jax.grad
    def gradient(scores: jax.Array) -> jax.Array:
        return bag_loss(scores, target, 1)[0][0, 0, 2]

    has_gradient = np.any(gradient(scores) != 0, -1)
    assert has_gradient.tolist() == [[[False, False, False, True, False]]]


def test_radius_0_is_weighted_cross_entropy():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, 5, 6, 4)).astype(np.float32)
    target = rng.choice([0, 1, 2, 3, VOID], (2, 5, 6)).astype(np.uint8)
    loss, counted = bag_loss(scores, target, 0, (0.95, 0.05))
    plain, plain_counted = unreduced(cross_entropy, scores, target)
    np.testing.assert_array_equal(counted, plain_counted)
    weighted = np.where(target == 0, 0.05, 0.95) * plain
    np.testing.assert_allclose(np.where(counted, loss, 0), np.where(counted, weighted, 0), 1e-6)


def test_a_void_pixel_has_no_bag_and_does_not_count():
    _, counted = bag_loss(row(*[[0.0, 0.0]] * 5), row(0, VOID, 0, 0, 0), 1)
    assert counted.tolist() == [[[True, False, True, True, True]]]


def test_window_maximum_of_literal_numbers():
    x = row([5.0], [-1.0], [-2.0], [-3.0], [4.0])
    maximum = jax.jit(window_maximum, static_argnums=(1, 2))
    assert maximum(x, 1, 2).ravel().tolist() == [5, 5, -1, 4, 4]
    assert maximum(x, 9, 2).ravel().tolist() == [5] * 5
    assert maximum(x, 0, 2).ravel().tolist() == [5, -1, -2, -3, 4]
    assert maximum(x, 1, 1).ravel().tolist() == [5, -1, -2, -3, 4]


@pytest.mark.parametrize('radius', [0, 1, 2, 9])
def test_best_of_bag_equals_a_search_pixel_by_pixel(radius):
    rng = np.random.default_rng(radius)
    values = rng.permutation(2 * 5 * 6 * 3).reshape(2, 5, 6, 3).astype(np.float32)
    classes = rng.integers(3, size=(2, 5, 6), dtype=np.uint8)
    best = np.asarray(jax.jit(best_of_bag, static_argnums=2)(values, classes, radius))
    for image, row, column in np.ndindex(classes.shape):
        top, left = max(0, row - radius), max(0, column - radius)
        bag = values[image, top : row + radius + 1, left : column + radius + 1]
        target_class = classes[image, row, column]
        best_value = values[..., target_class].ravel()[best[image, row, column]]
        assert best_value == bag[..., target_class].max()
        assert best[image, row, column] // 30 == image


def test_image_means_ignore_pixels_that_do_not_count():
    loss = jnp.array([[[1.0, 2, 6]], [[1, jnp.inf, jnp.nan]], [[jnp.nan, 1, 2]]])
    counted = jnp.array([[[True] * 3], [[True, False, False]], [[False] * 3]])
    assert image_means(loss, counted).tolist() == [3, 1, 0]


def test_unit_length_has_a_finite_gradient_at_zero():
    jacobian = jax.jit(jax.jacobian(to_unit_length))
    assert np.isfinite(jacobian(np.zeros(3, np.float32))).all()
    # The result does not depend on the length: no gradient in the direction of the vector.
    vector = np.array([0, -3, 4], np.float32)
    np.testing.assert_allclose(np.asarray(jacobian(vector)) @ vector, 0, atol=1e-6)


def test_the_error_of_a_length_is_squared_and_has_a_finite_gradient_at_zero():
    np.testing.assert_allclose(
        length_error(row([0.0, -3.0, 4.0], [0.6, 0.8, 0.0])), [[[16, 0]]], atol=1e-5
    )
    assert np.isfinite(jax.grad(length_error)(np.zeros(3, np.float32))).all()


# Properties of all dense tasks.

DENSE = {name: make() for name, make in PAPER.items() if name != 'detection'}
DENSE |= {f'depth {loss.value}': Depth(criterion=loss) for loss in DepthLoss}


def draw(name: str, side: int, maps: int = 1) -> tuple[list[np.ndarray], np.ndarray]:
    """Score maps and a target of two images of `side` x `side`, a quarter of which is void."""
    task = DENSE[name]
    rng = np.random.default_rng(0)
    map_side = (side - 1) // task.stride + 1
    size = (maps, 2, map_side, map_side, task.channels)
    scores = list(rng.normal(size=size).astype(np.float32))
    shape = (2, map_side, map_side)
    void = rng.random(shape) < 0.25
    if name == 'normals':
        vectors = rng.normal(size=(*shape, 3))
        vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        return scores, to_integers(np.where(void[..., None], 0, vectors), np.int8)
    if isinstance(task, Depth):
        return scores, np.where(void, 0, rng.uniform(1, 5, shape)).astype(np.float16)
    first = 0.9 if isinstance(task, BagTask) else 1 / task.channels
    rest = np.full(task.channels - 1, (1 - first) / (task.channels - 1))
    classes = rng.choice(task.channels, shape, p=[first, *rest])
    return scores, np.where(void, VOID, classes).astype(np.uint8)


@pytest.fixture(scope='module', params=DENSE)
def name(request) -> str:
    return request.param


@pytest.fixture(scope='module')
def measure(name):
    """(maps, target, valid, labelled) -> (loss, gradient of the maps), compiled once per shape."""

    @jaxtyped(typechecker=beartype)
    def loss(
        maps: list[Float[Array, 'n h w c']],
        target: UInt8[Array, 'n h w'] | Float16[Array, 'n h w'] | Int8[Array, 'n h w 3'],
        valid: Bool[Array, 'n H W'],
        labelled: Bool[Array, ' n'],
    ) -> Float[Array, '']:
        return DENSE[name].loss(maps, target, valid, labelled).sum()

    return jax.jit(jax.value_and_grad(loss))


ALL_LABELLED = np.array([True, True])


def test_the_gradient_of_an_unlabelled_image_is_exactly_zero(name, measure):
    maps, target = draw(name, 17)
    valid = np.ones((2, 17, 17), bool)
    total, total_gradient = measure(maps, target, valid, ALL_LABELLED)
    values = []
    for image in range(2):
        value, gradient = measure(maps, target, valid, np.arange(2) == image)
        for part, expected in zip(gradient, total_gradient, strict=True):
            assert np.all(part[1 - image] == 0) and np.any(part[image] != 0)
            np.testing.assert_array_equal(part[image], expected[image])
        values.append(value)
    np.testing.assert_allclose(sum(values), total, rtol=1e-6)


def test_the_loss_is_the_weighted_sum_over_all_maps():
    def loss(*arguments, **options):
        return DENSE['parts'].loss(*arguments, **options).sum()

    maps, target = draw('parts', 17, maps=4)
    valid = np.ones((2, 17, 17), bool)
    total = loss(maps, target, valid, ALL_LABELLED)
    map_losses = [loss([scores], target, valid, ALL_LABELLED) for scores in maps]
    np.testing.assert_allclose(sum(map_losses), total, rtol=1e-6)
    assert len(set(map(float, map_losses))) == 4
    *level_losses, fused_loss = map_losses
    for weight in (0.0, 0.3):
        weighted = loss(maps, target, valid, ALL_LABELLED, scale_weight=weight)
        np.testing.assert_allclose(weighted, weight * sum(level_losses) + fused_loss, rtol=1e-6)


def test_padding_changes_nothing(name, measure):
    maps, target = draw(name, 17)
    value, gradient = measure(maps, target, np.ones((2, 17, 17), bool), ALL_LABELLED)
    padded_maps, padded_target = draw(name, 33)
    valid = np.zeros((2, 33, 33), bool)
    valid[:, :17, :17] = True
    padded_target[:, : target.shape[1], : target.shape[2]] = target
    for padded, scores in zip(padded_maps, maps, strict=True):
        padded[..., 1:] += 5  # high scores in the padding, which no bag may select
        padded[:, : scores.shape[1], : scores.shape[2]] = scores
    padded_value, padded_gradient = measure(padded_maps, padded_target, valid, ALL_LABELLED)
    np.testing.assert_allclose(padded_value, value, rtol=1e-6)
    for padded, expected in zip(padded_gradient, gradient, strict=True):
        window = np.s_[:, : expected.shape[1], : expected.shape[2]]
        np.testing.assert_allclose(padded[window], expected, atol=1e-7)
        outside = np.array(padded)
        outside[window] = 0
        assert not outside.any()


def test_the_loss_without_valid_pixels_is_zero(name, measure):
    maps, target = draw(name, 17)
    void = np.full_like(target, VOID if target.dtype == np.uint8 else 0)
    valid = np.ones((2, 17, 17), bool)
    for case_target, case_valid in ((void, valid), (target, ~valid)):
        value, gradient = measure(maps, case_target, case_valid, ALL_LABELLED)
        assert value == 0
        assert all(np.all(part == 0) for part in gradient)


def test_loss_and_gradient_of_extreme_scores_are_finite(name, measure):
    maps, target = draw(name, 17)
    for factor in (0, 1e4):
        extreme = [scores * np.float32(factor) for scores in maps]
        value, gradient = measure(extreme, target, np.ones((2, 17, 17), bool), ALL_LABELLED)
        assert np.isfinite(value)
        assert all(np.isfinite(part).all() for part in gradient)
