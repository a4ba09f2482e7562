"""The detector: what its two stages are trained on, and what comes out of it."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.config import DetectionConfig, Pooling
from ubernet_jax.models import detection, proposals
from ubernet_jax.models.box_sampling import sample_anchors, sample_regions
from ubernet_jax.models.box_targets import BoxTargets
from ubernet_jax.models.detection import DetectionHead, select_detections
from ubernet_jax.ops.anchors import make_anchors
from ubernet_jax.ops.boxes import decode, encode, intersection_over_union

KEY = jax.random.PRNGKey(0)
EXTENT = jnp.array([97.0, 129.0])


def make_targets(corners: list, classes: list) -> BoxTargets:
    """One image's boxes, and one place without a box."""
    return BoxTargets(
        corners=jnp.array([*corners, [0, 0, 0, 0]], jnp.float32),
        classes=jnp.array([*classes, 0], jnp.uint8),
        valid=jnp.array([True] * len(corners) + [False]),
    )


TARGETS = make_targets([[10, 10, 60, 70], [50, 20, 120, 90]], [3, 5])
NOTHING = TARGETS.replace(valid=jnp.zeros(3, bool))


def test_anchors_are_drawn_within_the_image_and_told_where_their_thing_is():
    anchors = jnp.asarray(make_anchors(7, 9, scales=(2, 4)))
    drawn = sample_anchors(KEY, anchors, EXTENT, TARGETS, proposals.DELTA_STD)
    boxes, chosen, positive = drawn.boxes, drawn.chosen, drawn.classes == 1
    assert set(np.unique(drawn.classes)) == {0, 1}
    inside = (boxes[:, :2] >= 0).all(1) & (boxes[:, 2:] <= EXTENT[None, ::-1]).all(1)
    assert inside[chosen].all() and len(set(drawn.indices[chosen].tolist())) == chosen.sum()
    np.testing.assert_array_equal(boxes, anchors[drawn.indices])
    best = intersection_over_union(boxes, TARGETS.corners[:2]).max(1)
    assert (best[chosen & ~positive] < 0.7).all()
    goals = decode(drawn.deltas, boxes, proposals.DELTA_STD)[positive]
    distance = jnp.abs(goals[:, None] - TARGETS.corners[None, :2]).max(-1).min(1)
    np.testing.assert_allclose(distance, 0, atol=1e-3)


def test_regions_are_a_quarter_positive_and_hold_the_labelled_boxes():
    rng = np.random.default_rng(0)
    jitter = rng.normal(0, 5, (1000, 4)).astype(np.float32)
    boxes = jnp.asarray(np.tile(TARGETS.corners[0], (1000, 1)) + jitter)
    far = boxes + jnp.array([[60.0, 60, 60, 60]])
    given = jnp.concatenate([boxes, far])
    drawn = sample_regions(KEY, given, jnp.ones(2000, bool), TARGETS, detection.DELTA_STD)
    positive = drawn.classes > 0
    assert drawn.chosen.all() and positive.sum() == 32 and len(positive) == 128
    overlap = intersection_over_union(drawn.boxes, TARGETS.corners[:2])
    assert (overlap.max(1)[positive] >= 0.5).all() and (overlap.max(1)[~positive] < 0.5).all()
    np.testing.assert_array_equal(
        drawn.classes, np.where(positive, np.array([3, 5])[overlap.argmax(1)], 0)
    )
    # With nothing proposed, the labelled boxes themselves are what is left: nowhere to move.
    alone = sample_regions(KEY, given, jnp.zeros(2000, bool), TARGETS, detection.DELTA_STD)
    assert alone.chosen.sum() == 2 and set(alone.classes[alone.chosen].tolist()) == {3, 5}
    np.testing.assert_allclose(alone.deltas[alone.chosen], 0, atol=1e-6)


def test_an_image_without_a_thing_is_all_background():
    anchors = jnp.asarray(make_anchors(7, 9, scales=(2, 4)))
    drawn = sample_anchors(KEY, anchors, EXTENT, NOTHING, proposals.DELTA_STD)
    assert drawn.chosen.any() and not drawn.classes.any()
    regions = sample_regions(KEY, anchors, jnp.ones(len(anchors), bool), NOTHING, (1, 1, 1, 1))
    assert regions.chosen.all() and not regions.classes.any()
    chex.assert_tree_all_finite((drawn.deltas, regions.deltas))


def test_proposals_are_clipped_large_enough_and_apart():
    anchors = jnp.asarray(make_anchors(7, 9, scales=(2, 4)))
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(len(anchors), 2)).astype(np.float32)
    deltas = rng.normal(0, 0.3, (len(anchors), 4)).astype(np.float32)
    found = proposals.propose(scores, deltas, anchors, EXTENT, min_side=16, limits=(200, 50))
    boxes = found.boxes[found.valid]
    assert found.valid.sum() > 10 and len(found.valid) == 50
    assert (boxes >= 0).all() and (boxes[:, 2:] <= EXTENT[None, ::-1]).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 16).all()
    assert (np.diff(found.scores[found.valid]) <= 0).all()
    overlap = np.triu(intersection_over_union(boxes, boxes), 1)
    assert overlap.max() <= proposals.MAX_OVERLAP


def test_proposals_are_where_the_deltas_say():
    anchors = jnp.asarray(make_anchors(7, 9, scales=(2, 4)))
    scores = jnp.zeros((len(anchors), 2)).at[17, 1].set(5)
    goal = TARGETS.corners[:1]
    deltas = encode(jnp.tile(goal, (len(anchors), 1)), anchors, proposals.DELTA_STD)
    found = proposals.propose(scores, deltas, anchors, EXTENT, min_side=16, limits=(500, 5))
    assert found.valid.tolist() == [True, False, False, False, False]
    np.testing.assert_allclose(found.boxes[0], goal[0], atol=1e-3)
    assert found.scores[0] == 5


def naive_selection(boxes, scores, valid, minimum, size):
    """Greedy suppression class by class in plain Python: [(score, class, box)], best first."""
    found = []
    for c in range(1, scores.shape[1]):
        kept = []
        for i in np.argsort(-scores[:, c], kind='stable'):
            if not valid[i] or scores[i, c] <= minimum:
                continue
            apart = [
                intersection_over_union(boxes[None, i, c], boxes[None, j, c])[0, 0] <= 0.3
                for j in kept
            ]
            if all(apart):
                kept.append(i)
        found += [(float(scores[i, c]), c, tuple(boxes[i, c].tolist())) for i in kept]
    return sorted(found, key=lambda item: -item[0])[:size]


@pytest.mark.parametrize('size', [5, 100])
def test_detections_are_selected_as_by_a_plain_loop(size):
    rng = np.random.default_rng(size)
    corner, side = rng.uniform(0, 60, (40, 4, 2)), rng.uniform(5, 40, (40, 4, 2))
    boxes = np.concatenate([corner, corner + side], -1).astype(np.float32)
    scores = rng.dirichlet(np.ones(4), 40).astype(np.float32)
    valid = rng.random(40) < 0.8
    extent = jnp.array([120.0, 120.0])
    got = select_detections(boxes, scores, valid, extent, minimum=0.2, size=size)
    corners, classes, best, kept = (np.asarray(x) for x in got)
    wanted = naive_selection(boxes, scores, valid, 0.2, size)
    assert len(corners) == size and kept.sum() == len(wanted) > 4
    assert classes[kept].tolist() == [c for _, c, _ in wanted]
    np.testing.assert_allclose(best[kept], [score for score, _, _ in wanted])
    np.testing.assert_allclose(corners[kept], [box for _, _, box in wanted])
    assert not best[~kept].any()


@pytest.mark.parametrize('pooling', Pooling)
def test_the_head_trains_and_detects(pooling):
    config = DetectionConfig(
        width=16, anchor_scales=(2.0, 4.0), pooling=pooling,
        train_proposals=(200, 50), test_proposals=(100, 20), min_score=0.0, detections=7,
    )  # fmt: skip
    head = DetectionHead(classes=6, dropout=0.5, config=config)
    conv5 = jax.random.normal(KEY, (2, 13, 17, 8))
    image_sizes = jnp.array([[97.0, 129.0], [80.0, 100.0]])
    params = head.init(KEY, conv5, image_sizes, method='detect')
    targets = jax.tree.map(lambda *x: jnp.stack(x), TARGETS, NOTHING)

    def loss(params, conv5):
        stages = head.apply(params, conv5, image_sizes, targets, KEY, rngs={'dropout': KEY})
        return sum((stage.scores**2).sum() + (stage.deltas**2).sum() for stage in stages), stages

    gradients, (proposals_stage, boxes_stage) = jax.jit(
        jax.grad(loss, argnums=(0, 1), has_aux=True)
    )(params, conv5)
    assert proposals_stage.scores.shape == (2, 256, 2) and boxes_stage.scores.shape == (2, 128, 6)
    assert not proposals_stage.samples.classes[1].any() and boxes_stage.samples.classes[0].any()
    chex.assert_tree_all_finite(gradients)
    assert all(jnp.any(leaf) for leaf in jax.tree.leaves(gradients))

    detected = jax.jit(functools.partial(head.apply, method='detect'))(params, conv5, image_sizes)
    assert detected.boxes.shape == (2, 7, 4) and detected.valid.all()
    assert detected.proposals.boxes.shape == (2, 20, 4)
    for boxes, extent in zip(detected.boxes, image_sizes, strict=True):
        assert (boxes >= 0).all() and (boxes[:, 2:] <= extent[None, ::-1]).all()
    assert set(np.unique(detected.classes)) <= {1, 2, 3, 4, 5}
