"""The detector: samples and targets of its two stages, proposals and detections."""

import functools

import chex
import jax
import numpy as np
import pytest

from helpers.host_programs import jit_to_host
from ubernet_jax.config import DetectionConfig, Pooling
from ubernet_jax.models import box_sampling, detection, proposals
from ubernet_jax.models.box_targets import BoxTargets
from ubernet_jax.models.detection import DetectionHead
from ubernet_jax.ops import boxes as box_ops
from ubernet_jax.ops.anchors import make_anchors

pytestmark = pytest.mark.slow

sample_anchors = jit_to_host(box_sampling.sample_anchors, static_argnames='std')
sample_regions = jit_to_host(box_sampling.sample_regions, static_argnames='std')
propose = jit_to_host(proposals.propose, static_argnames='limits')
select_detections = jit_to_host(detection.select_detections, static_argnames=('minimum', 'size'))
intersection_over_union = jit_to_host(box_ops.intersection_over_union)
decode = jit_to_host(box_ops.decode, static_argnames='std')
encode = jit_to_host(box_ops.encode, static_argnames='std')

KEY = jax.random.PRNGKey(0)
IMAGE_SIZE = np.float32([97, 129])


def make_targets(corners: list, classes: list) -> BoxTargets:
    """The boxes of an image, and an empty slot."""
    return BoxTargets(
        corners=np.float32([*corners, [0, 0, 0, 0]]),
        classes=np.uint8([*classes, 0]),
        valid=np.array([True] * len(corners) + [False]),
    )


TARGETS = make_targets([[10, 10, 60, 70], [50, 20, 120, 90]], [3, 5])
NO_TARGETS = TARGETS.replace(valid=np.zeros(3, bool))


def test_sampled_anchors_lie_within_the_image_and_have_the_deltas_of_their_object():
    anchors = make_anchors(7, 9, anchor_scales=(2, 4))
    samples = sample_anchors(KEY, anchors, IMAGE_SIZE, TARGETS, proposals.DELTA_STD)
    boxes, valid, positive = samples.boxes, samples.valid, samples.classes == 1
    assert set(np.unique(samples.classes)) == {0, 1}
    inside = (boxes[:, :2] >= 0).all(1) & (boxes[:, 2:] <= IMAGE_SIZE[None, ::-1]).all(1)
    assert inside[valid].all() and len(set(samples.indices[valid].tolist())) == valid.sum()
    np.testing.assert_array_equal(boxes, anchors[samples.indices])
    best = intersection_over_union(boxes, TARGETS.corners[:2]).max(1)
    assert (best[valid & ~positive] < 0.7).all()
    decoded = decode(samples.deltas, boxes, proposals.DELTA_STD)[positive]
    distance = np.abs(decoded[:, None] - TARGETS.corners[None, :2]).max(-1).min(1)
    np.testing.assert_allclose(distance, 0, atol=1e-3)


def test_sampled_regions_are_a_quarter_positive_and_include_the_labelled_boxes():
    rng = np.random.default_rng(0)
    jitter = rng.normal(0, 5, (1000, 4)).astype(np.float32)
    boxes = np.tile(TARGETS.corners[0], (1000, 1)) + jitter
    candidates = np.concatenate([boxes, boxes + 60])
    samples = sample_regions(KEY, candidates, np.ones(2000, bool), TARGETS, detection.DELTA_STD)
    positive = samples.classes > 0
    assert samples.valid.all() and positive.sum() == 32 and len(positive) == 128
    iou = intersection_over_union(samples.boxes, TARGETS.corners[:2])
    assert (iou.max(1)[positive] >= 0.5).all() and (iou.max(1)[~positive] < 0.5).all()
    np.testing.assert_array_equal(
        samples.classes, np.where(positive, np.array([3, 5])[iou.argmax(1)], 0)
    )
    # Without valid proposals, only the labelled boxes are left, whose deltas are zero.
    no_proposals = np.zeros(2000, bool)
    samples = sample_regions(KEY, candidates, no_proposals, TARGETS, detection.DELTA_STD)
    assert samples.valid.sum() == 2 and set(samples.classes[samples.valid].tolist()) == {3, 5}
    np.testing.assert_allclose(samples.deltas[samples.valid], 0, atol=1e-6)


def test_all_samples_of_an_image_without_objects_are_background():
    anchors = make_anchors(7, 9, anchor_scales=(2, 4))
    samples = sample_anchors(KEY, anchors, IMAGE_SIZE, NO_TARGETS, proposals.DELTA_STD)
    assert samples.valid.any() and not samples.classes.any()
    regions = sample_regions(KEY, anchors, np.ones(len(anchors), bool), NO_TARGETS, (1, 1, 1, 1))
    assert regions.valid.all() and not regions.classes.any()
    chex.assert_tree_all_finite((samples.deltas, regions.deltas))


def test_proposals_are_clipped_sorted_and_suppressed_and_not_small():
    anchors = make_anchors(7, 9, anchor_scales=(2, 4))
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(len(anchors), 2)).astype(np.float32)
    deltas = rng.normal(0, 0.3, (len(anchors), 4)).astype(np.float32)
    min_sides = np.float32([16, 24])  # height, width
    proposed = propose(scores, deltas, anchors, IMAGE_SIZE, min_sides, limits=(200, 50))
    boxes = proposed.boxes[proposed.valid]
    assert proposed.valid.sum() > 10 and len(proposed.valid) == 50
    assert (boxes >= 0).all() and (boxes[:, 2:] <= IMAGE_SIZE[None, ::-1]).all()
    sides = boxes[:, 2:] - boxes[:, :2]  # width, height
    assert (sides >= min_sides[None, ::-1]).all() and (sides[:, 1] < 24).any()
    assert (np.diff(proposed.scores[proposed.valid]) <= 0).all()
    iou = np.triu(intersection_over_union(boxes, boxes), 1)
    assert iou.max() <= proposals.MAX_OVERLAP


def test_proposals_are_the_anchors_moved_by_the_deltas():
    anchors = make_anchors(7, 9, anchor_scales=(2, 4))
    scores = np.zeros((len(anchors), 2), np.float32)
    scores[17, 1] = 5
    box = TARGETS.corners[:1]
    deltas = encode(np.tile(box, (len(anchors), 1)), anchors, proposals.DELTA_STD)
    min_sides = np.float32([16, 16])
    proposed = propose(scores, deltas, anchors, IMAGE_SIZE, min_sides, limits=(500, 5))
    assert proposed.valid.tolist() == [True, False, False, False, False]
    np.testing.assert_allclose(proposed.boxes[0], box[0], atol=1e-3)
    assert proposed.scores[0] == 5


def naive_selection(boxes, scores, valid, minimum, size):
    """Greedy suppression per class in plain Python: [(score, class, box)] by descending score."""
    selected = []
    for c in range(1, scores.shape[1]):
        kept = []
        for i in np.argsort(-scores[:, c], kind='stable'):
            if not valid[i] or scores[i, c] <= minimum:
                continue
            may_be_kept = [
                intersection_over_union(boxes[None, i, c], boxes[None, j, c])[0, 0] <= 0.3
                for j in kept
            ]
            if all(may_be_kept):
                kept.append(i)
        selected += [(float(scores[i, c]), c, tuple(boxes[i, c].tolist())) for i in kept]
    return sorted(selected, key=lambda item: -item[0])[:size]


@pytest.mark.parametrize('size', [5, 100])
def test_selected_detections_equal_those_of_a_plain_loop(size):
    rng = np.random.default_rng(size)
    corner, side = rng.uniform(0, 60, (40, 4, 2)), rng.uniform(5, 40, (40, 4, 2))
    boxes = np.concatenate([corner, corner + side], -1).astype(np.float32)
    scores = rng.dirichlet(np.ones(4), 40).astype(np.float32)
    valid = rng.random(40) < 0.8
    image_size = np.float32([120, 120])
    selected = select_detections(boxes, scores, valid, image_size, minimum=0.2, size=size)
    corners, classes, best, kept = selected
    expected = naive_selection(boxes, scores, valid, 0.2, size)
    assert len(corners) == size and kept.sum() == len(expected) > 4
    assert classes[kept].tolist() == [c for _, c, _ in expected]
    np.testing.assert_allclose(best[kept], [score for score, _, _ in expected])
    np.testing.assert_allclose(corners[kept], [box for _, _, box in expected])
    assert not best[~kept].any()


def test_boxes_beside_the_image_are_no_detections():
    boxes = np.float32(
        [[50, 130, 90, 160], [-40, 10, 0, 50], [100, 10, 119.9999, 60], [119, 0, 150, 9]]
    )
    boxes = np.repeat(boxes[:, None], 2, axis=1)
    scores = np.float32([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    image_size = np.float32([120, 120])
    selected = select_detections(boxes, scores, np.ones(4, bool), image_size, minimum=0.2, size=4)
    corners, _, best, kept = selected
    assert best[kept].tolist() == pytest.approx([0.7, 0.6])
    np.testing.assert_allclose(corners[kept], [[100, 10, 119.9999, 60], [119, 0, 120, 9]])


@pytest.mark.parametrize('pooling', Pooling)
def test_the_head_trains_and_detects(pooling):
    config = DetectionConfig(
        width=16, anchor_scales=(2.0, 4.0), pooling=pooling,
        train_proposals=(200, 50), test_proposals=(100, 20), min_score=0.0, detections=7,
    )  # fmt: skip
    head = DetectionHead(classes=6, dropout=0.5, config=config)
    conv5 = jax.random.normal(KEY, (2, 13, 17, 8))
    image_sizes, scales = np.float32([[97, 129], [80, 100]]), np.ones((2, 2), np.float32)
    params = jax.jit(functools.partial(head.init, method='apply_layers'))(KEY, conv5)
    targets = jax.tree.map(lambda *x: np.stack(x), TARGETS, NO_TARGETS)

    def loss(params, conv5):
        arguments = params, conv5, image_sizes, scales, targets, KEY
        stages = head.apply(*arguments, rngs={'dropout': KEY})
        return sum((stage.scores**2).sum() + (stage.deltas**2).sum() for stage in stages), stages

    differentiate = jit_to_host(jax.grad(loss, argnums=(0, 1), has_aux=True))
    gradients, (proposal_stage, box_stage) = differentiate(params, conv5)
    assert proposal_stage.scores.shape == (2, 256, 2) and box_stage.scores.shape == (2, 128, 6)
    assert not proposal_stage.samples.classes[1].any() and box_stage.samples.classes[0].any()
    chex.assert_tree_all_finite(gradients)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(gradients))

    detect = jit_to_host(functools.partial(head.apply, method='detect'))
    detected = detect(params, conv5, image_sizes, scales)
    assert detected.boxes.shape == (2, 7, 4) and detected.valid.all()
    assert detected.proposals.boxes.shape == (2, 20, 4)
    for boxes, image_size in zip(detected.boxes, image_sizes, strict=True):
        assert (boxes >= 0).all() and (boxes[:, 2:] <= image_size[None, ::-1]).all()
    assert set(np.unique(detected.classes)) <= {1, 2, 3, 4, 5}


@pytest.mark.parametrize(('scale', 'smallest'), [(0.5, 8), (1.0, 16), (1.6, 25.6)])
def test_the_smallest_proposal_is_16_pixels_of_the_photograph(scale, smallest):
    """1.6 is the scale of an image of 375x500 pixels that is resized to a short side of 600.

    The square anchors have sides of 8.5, 16.8 and 26.4 pixels; each is above one of the limits.
    """
    config = DetectionConfig(width=4, anchor_scales=(0.53, 1.05, 1.65), test_proposals=(900, 900))
    head = DetectionHead(classes=3, dropout=0.0, config=config)
    conv5 = jax.random.normal(KEY, (1, 13, 17, 4))
    arguments = conv5, IMAGE_SIZE[None], np.full((1, 2), scale, np.float32)
    detect = jit_to_host(functools.partial(head.init_with_output, method='detect'))
    detected, _ = detect(KEY, *arguments)
    boxes = detected.proposals.boxes[detected.proposals.valid]
    shortest = (boxes[:, 2:] - boxes[:, :2]).min(1)
    assert smallest <= shortest.min() < smallest + 1


def test_the_initial_scores_and_deltas_of_the_box_head_have_the_deviations_of_fast_rcnn():
    head = detection.BoxHead(classes=21, width=500, dropout=0.5)
    init = jit_to_host(functools.partial(head.init, train=False))
    params = init(KEY, np.zeros((1, 1, 7, 7, 2), np.float32))['params']
    assert params['scores']['kernel'].std() == pytest.approx(0.01, rel=0.03)
    assert params['deltas']['kernel'].std() == pytest.approx(0.001, rel=0.03)
    assert not params['scores']['bias'].any() and not params['deltas']['bias'].any()


def test_no_region_on_a_possible_object_is_sampled_as_background():
    possible = TARGETS.replace(valid=np.array([True, False, False]))
    boxes = np.float32([[10, 10, 60, 70], [51, 21, 120, 90], [0, 80, 20, 97]])
    for ignored, sampled in ((None, [1, 2]), (np.array([False, True, False]), [2])):
        samples = sample_regions(
            KEY, boxes, np.ones(3, bool), possible.replace(ignored=ignored), proposals.DELTA_STD
        )
        background = samples.valid & (samples.classes == 0)
        assert sorted(set(samples.indices[background].tolist())) == sampled
