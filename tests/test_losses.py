"""Losses: literal numbers, and what void pixels, padding and missing labels leave untouched."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Array, Bool, Float, Int, Real, jaxtyped

from ubernet_jax.config import LossConfig
from ubernet_jax.losses import (
    cross_entropy,
    image_means,
    multiple_instance,
    task_loss,
    to_unit_length,
    unit_vector,
    window_maximum,
)
from ubernet_jax.tasks import TASKS, VOID, LabelKind

CONFIG = LossConfig()
LN2, LN3 = np.log(2), np.log(3)


@jaxtyped(typechecker=beartype)
def check_shapes(
    loss: Callable, scores: Float[Array, 'n h w c'], target: Real[Array, 'n h w *d']
) -> tuple[Float[Array, 'n h w'], Bool[Array, 'n h w']]:
    return loss(scores, target)


def row(*values: object) -> jax.Array:
    """A batch of one image of one row."""
    return jnp.array([[values]])


def test_cross_entropy_of_literal_scores():
    scores = row([0.0, LN3], [0.0, LN3], [LN2, LN2], [5.0, 7.0])
    loss, counted = check_shapes(cross_entropy, scores, row(0, 1, 0, VOID))
    np.testing.assert_allclose(loss[0, 0, :3], [2 * LN2, 2 * LN2 - LN3, LN2], rtol=1e-6)
    assert counted.tolist() == [[[True, True, True, False]]]


def test_unit_vectors_of_literal_scores():
    scores = row([3.0, 4.0, 0.0], [0.0, 0.0, 9.0], [1.0, 2.0, 3.0])
    target = row([0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0])
    for transition, wanted in ((1.0, (0.36 + 0.04) / 2), (0.5, (0.6 - 0.25) + 0.04)):
        loss, counted = check_shapes(
            functools.partial(unit_vector, transition=transition), scores, target
        )
        np.testing.assert_allclose(loss[0, 0, :2], [wanted, 0], atol=1e-6)
        assert counted.tolist() == [[[True, True, False]]]


def instances(
    scores: jax.Array, target: jax.Array, radius: int, positive: float = 1.0, negative: float = 1.0
) -> tuple[jax.Array, jax.Array]:
    loss = functools.partial(
        multiple_instance,
        valid=jnp.ones(target.shape, bool),
        bag_radius=radius,
        positive_weight=positive,
        negative_weight=negative,
    )
    return check_shapes(loss, scores, target)


def test_a_bag_picks_the_best_neighbour_and_holds_no_negatives():
    scores = row([0.0, 0.0], [0.0, LN3], [0.0, 0.0], [0.0, 0.0], [LN3, 0.0])
    loss, counted = instances(scores, row(0, 0, 1, 0, 0), 1, 0.95, 0.05)
    assert counted.tolist() == [[[True, False, True, False, True]]]
    wanted = [0.05 * LN2, 0.95 * (2 * LN2 - LN3), 0.05 * (2 * LN2 - LN3)]
    np.testing.assert_allclose(loss[0, 0, ::2], wanted, rtol=1e-6)


def test_a_bag_is_a_square():
    scores = jnp.zeros((1, 7, 7, 2)).at[0, 1, 5].set(jnp.array([0.0, 9.0]))
    target = jnp.zeros((1, 7, 7), int).at[0, 3, 3].set(1)
    for radius in (1, 2):
        loss, counted = instances(scores, target, radius)
        assert (loss[0, 3, 3] < 0.01) == (radius == 2)
        assert (~counted).sum() == (2 * radius + 1) ** 2 - 1


def test_a_bag_looks_for_its_own_class():
    probability = [[0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]
    scores = jnp.log(row(*probability))
    loss, _ = instances(scores, row(0, 1, 2), 1)
    np.testing.assert_allclose(loss[0, 0, 1:], -np.log([0.7, 0.6]), rtol=1e-6)


def test_the_gradient_goes_to_the_best_of_a_bag():
    scores = row([0.0, 1.0], [0.0, 3.0], [0.0, 2.0], [0.0, 5.0])
    target = row(VOID, VOID, 1, VOID)

    def positive_loss(scores: jax.Array) -> jax.Array:
        return instances(scores, target, 1)[0][0, 0, 2]

    touched = (jax.grad(positive_loss)(scores) != 0).any(-1)
    assert touched.tolist() == [[[False, False, False, True]]]


def test_radius_0_is_weighted_cross_entropy():
    rng = np.random.default_rng(0)
    scores = jnp.array(rng.normal(size=(2, 5, 6, 4)), jnp.float32)
    target = jnp.array(rng.choice([0, 1, 2, 3, VOID], (2, 5, 6)))
    loss, counted = instances(scores, target, 0, 0.95, 0.05)
    plain, plain_counted = cross_entropy(scores, target)
    np.testing.assert_array_equal(counted, plain_counted)
    weighted = plain * np.where(target == 0, 0.05, 0.95)
    np.testing.assert_allclose(loss[counted], weighted[counted], rtol=1e-6)


def test_a_void_pixel_is_neither_a_boundary_nor_its_neighbour():
    scores = jnp.zeros((1, 1, 4, 2))
    _, counted = instances(scores, row(0, VOID, 0, 0), 2)
    assert counted.tolist() == [[[True, False, True, True]]]


def test_window_maximum_of_literal_numbers():
    x = row([5.0], [-1.0], [-2.0], [-3.0], [4.0])
    assert window_maximum(x, 1).ravel().tolist() == [5, 5, -1, 4, 4]
    assert window_maximum(x, 9).ravel().tolist() == [5] * 5
    assert window_maximum(x, 0).ravel().tolist() == x.ravel().tolist()


def test_an_image_counts_by_its_mean_whatever_is_not_counted():
    loss = jnp.array([[[1.0, 2, 6]], [[1, jnp.inf, jnp.nan]], [[jnp.nan, 1, 2]]])
    counted = jnp.array([[[True] * 3], [[True, False, False]], [[False] * 3]])
    assert image_means(loss, counted).tolist() == [3, 1, 0]


def test_unit_length_has_a_finite_gradient_at_zero():
    assert np.isfinite(jax.jacobian(to_unit_length)(jnp.zeros(3))).all()
    np.testing.assert_allclose(to_unit_length(jnp.array([0.0, -3, 4])), [0, -0.6, 0.8], atol=1e-6)


# What all six tasks have in common.


def draw(name: str, side: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Two score maps and a target of two images of `side` x `side`, a quarter of it void."""
    task = TASKS[name]
    rng = np.random.default_rng(0)
    own = (side - 1) // task.stride + 1
    maps = [rng.normal(size=(2, own, own, task.channels)).astype(np.float32) for _ in range(2)]
    shape = (2, side, side)
    void = rng.random(shape) < 0.25
    if task.label is LabelKind.DIRECTION:
        target = rng.normal(size=(*shape, 3)).astype(np.float32)
        target /= np.linalg.norm(target, axis=-1, keepdims=True)
        return maps, np.where(void[..., None], 0, target)
    likely = [0.9] if task.thin else [1 / task.channels]
    rest = np.full(task.channels - 1, (1 - likely[0]) / (task.channels - 1))
    classes = rng.choice(task.channels, shape, p=[*likely, *rest])
    return maps, np.where(void, VOID, classes).astype(np.int32)


@pytest.fixture(scope='module', params=TASKS)
def name(request) -> str:
    return request.param


@pytest.fixture(scope='module')
def measure(name):
    """(maps, target, valid, labelled) -> (loss, gradient of the maps), compiled once a shape."""

    @jaxtyped(typechecker=beartype)
    def loss(
        maps: list[Float[Array, 'n h w c']],
        target: Int[Array, 'n H W'] | Float[Array, 'n H W 3'],
        valid: Bool[Array, 'n H W'],
        labelled: Bool[Array, ' n'],
    ) -> Float[Array, '']:
        return task_loss(TASKS[name], maps, target, valid, labelled, CONFIG)

    return jax.jit(jax.value_and_grad(loss))


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


def test_every_map_adds_its_loss(name, measure):
    maps, target = draw(name, 17)
    valid = np.ones((2, 17, 17), bool)
    total, _ = measure(maps, target, valid, BOTH)
    single = [measure([one], target, valid, BOTH)[0] for one in maps]
    np.testing.assert_allclose(sum(single), total, rtol=1e-6)
    assert single[0] != single[1]


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
    void = np.zeros_like(target) if target.ndim == 4 else np.full_like(target, VOID)
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
