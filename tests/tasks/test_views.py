"""Scores of several views of a photograph: their positions, and what is averaged."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from ubernet_jax import config as c
from ubernet_jax.tasks.views import View, align, mean_probability


def ramp(view: View, stride: int) -> jax.Array:
    """Scores (1, h, w, 2) of a view: row and column in the photograph, 0..1."""
    rows, columns = (np.arange(0, side, stride) / (side - 1) for side in view.size)
    columns = 1 - columns if view.mirrored else columns
    return jnp.stack(jnp.meshgrid(rows, columns, indexing='ij'), -1)[None].astype(jnp.float32)


@pytest.mark.parametrize(('side', 'stride'), [(32, 8), (14, 8)])  # nodes 32k+1, patches 14k
def test_every_view_is_interpolated_to_the_positions_of_the_largest(side, stride):
    extra = side % 14 != 0
    small, large = ((side * k + extra, 2 * side * k + extra) for k in (2, 3))
    views = [View(size, mirrored) for size in (small, large) for mirrored in (False, True)]
    scores = [ramp(view, stride) for view in views]
    inside = np.s_[:, :-1, 2:-2] if not extra else np.s_[:]  # beyond the last sample: its value
    for aligned in align(scores, views, stride, ()):
        assert aligned.shape == scores[2].shape
        np.testing.assert_allclose(aligned[inside], scores[2][inside], atol=1e-6)


def test_a_mirrored_view_is_reversed_exactly_and_its_vectors_are_mirrored():
    scores = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 9, 3)), jnp.float32)
    views = [View((33, 65)), View((33, 65), mirrored=True)]
    plain, mirrored = align([scores, scores], views, 8, (-1, 1, 1))
    np.testing.assert_array_equal(plain, scores)
    np.testing.assert_array_equal(mirrored, np.asarray(scores)[:, :, ::-1] * np.float32([-1, 1, 1]))


def test_probabilities_are_averaged_even_if_they_are_almost_zero():
    scores = np.random.default_rng(0).normal(size=(3, 1, 2, 2, 5)).astype(np.float32)
    scores[0, ..., 0] = 1e4
    wanted = scipy.special.softmax(scores.astype(float), -1).mean(0)
    averaged = mean_probability([jnp.asarray(view) for view in scores])
    assert np.isfinite(averaged).all()
    np.testing.assert_allclose(jax.nn.softmax(averaged), wanted, atol=1e-6)


@pytest.mark.parametrize('kind', [c.Segmentation, c.Boundaries, c.SoftMask, c.ClassBoundaries])
def test_tasks_with_a_softmax_average_probabilities(kind):
    scores = [jnp.float32([[[[8, 0]]]]), jnp.float32([[[[0, 1]]]])]
    averaged = kind().mean_scores(scores)
    wanted = np.mean([scipy.special.softmax(np.array(view)[0, 0, 0]) for view in scores], 0)
    np.testing.assert_allclose(jax.nn.softmax(averaged)[0, 0, 0], wanted, rtol=1e-5)


def test_normals_average_unit_vectors_and_depth_averages_metres():
    vectors = [jnp.float32([[[[9, 0, 0]]]]), jnp.float32([[[[0, 0, 1]]]])]
    np.testing.assert_allclose(c.Normals().mean_scores(vectors)[0, 0, 0], [0.5, 0, 0.5])
    depths = [jnp.log(jnp.full((1, 1, 1, 1), metres)) for metres in (1.0, 3.0)]
    np.testing.assert_allclose(jnp.exp(c.Depth().mean_scores(depths)), 2, rtol=1e-5)
