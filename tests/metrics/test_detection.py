"""VOC average precision: small examples, brute force with difficult objects and ties."""

import numpy as np
import pytest

from ubernet_jax.metrics.boxes import Objects, ScoredBoxes, intersection_over_union
from ubernet_jax.metrics.detection import ApMode, DetectionMetric
from ubernet_jax.metrics.metric import MetricError


def detections(boxes, scores, classes=None) -> ScoredBoxes:
    classes = np.zeros(len(boxes), int) if classes is None else np.array(classes)
    return ScoredBoxes(boxes=np.array(boxes, float), scores=np.array(scores), classes=classes)


def objects(boxes, difficult=None, classes=None) -> Objects:
    classes = np.zeros(len(boxes), int) if classes is None else np.array(classes)
    difficult = np.zeros(len(boxes), bool) if difficult is None else np.array(difficult)
    return Objects(boxes=np.array(boxes, float), classes=classes, difficult=difficult)


def ap_of(mode: ApMode, *images) -> float:
    metric = DetectionMetric(['object'], mode)
    for prediction, truth in images:
        metric.update(prediction, truth)
    return metric.compute().map


A, B, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]


def test_intersection_over_union_of_all_pairs():
    overlap = intersection_over_union(
        np.array([[0, 0, 10, 10], [0, 0, 2, 2]]), np.array([[5, 0, 15, 10], [0, 0, 10, 10]])
    )
    assert overlap.tolist() == [[pytest.approx(1 / 3), 1], [0, pytest.approx(0.04)]]


@pytest.mark.parametrize(
    ('prediction', 'truth', 'voc07', 'voc10'),
    [
        (([A, B], [0.9, 0.8]), ([A, B],), 1, 1),
        (([A], [0.9]), ([A, B],), 6 / 11, 0.5),
        (([FAR, A, B], [0.9, 0.8, 0.7]), ([A, B],), 2 / 3, 2 / 3),
        (([A, FAR, B], [0.9, 0.8, 0.7]), ([A, B],), (6 + 5 * 2 / 3) / 11, 0.5 + 0.5 * 2 / 3),
        (([A, A, B], [0.9, 0.8, 0.7]), ([A, B],), (6 + 5 * 2 / 3) / 11, 0.5 + 0.5 * 2 / 3),
        (([A, B], [0.9, 0.8]), ([A, B], [True, False]), 1, 1),  # difficult objects do not count
        (([A, A, B], [0.9, 0.85, 0.8]), ([A, B], [True, False]), 1, 1),
        (([], []), ([A],), 0, 0),
        (([[0, 0, 10, 5]], [0.9]), ([A],), 1, 1),  # an overlap of exactly 0.5 is enough
        (([[0, 0, 10, 4.9]], [0.9]), ([A],), 0, 0),
    ],
)
def test_average_precision_of_small_examples(prediction, truth, voc07, voc10):
    image = (detections(*prediction), objects(*truth))
    assert ap_of(ApMode.VOC07, image) == pytest.approx(voc07)
    assert ap_of(ApMode.VOC10, image) == pytest.approx(voc10)


def brute_force(images, mode: ApMode) -> float:
    """Computes AP of a class with plain loops, as the development kit describes it.

    The detections of all images are processed together, by descending scores.
    """
    detected_boxes = []
    for n, (prediction, _) in enumerate(images):
        detected_boxes += [
            (-score, len(detected_boxes) + i, n, box)
            for i, (box, score) in enumerate(zip(prediction.boxes, prediction.scores, strict=True))
        ]
    detected_objects, true_positives, false_positives, points = set(), 0, 0, []
    total = sum(int((~truth.difficult).sum()) for _, truth in images)
    for _, _, n, box in sorted(detected_boxes, key=lambda entry: entry[:2]):
        truth = images[n][1]
        best, best_overlap = None, -1.0
        for j, true_box in enumerate(truth.boxes):
            width = min(box[2], true_box[2]) - max(box[0], true_box[0])
            height = min(box[3], true_box[3]) - max(box[1], true_box[1])
            shared = max(width, 0) * max(height, 0)
            areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, true_box)]
            if shared / (sum(areas) - shared) > best_overlap:
                best, best_overlap = j, shared / (sum(areas) - shared)
        if best_overlap >= 0.5 and truth.difficult[best]:
            continue
        if best_overlap >= 0.5 and (n, best) not in detected_objects:
            detected_objects.add((n, best))
            true_positives += 1
        else:
            false_positives += 1
        precision = true_positives / (true_positives + false_positives)
        points.append((true_positives / total, precision))
    if mode is ApMode.VOC07:
        return (
            sum(max((p for r, p in points if r >= 0.1 * level), default=0) for level in range(11))
            / 11
        )
    area, previous = 0.0, 0.0
    for i, (recall, _) in enumerate(points):
        area += (recall - previous) * max(p for _, p in points[i:])
        previous = recall
    return area


def random_images(rng: np.random.Generator):
    images = []
    for _ in range(rng.integers(1, 4)):
        corners = rng.integers(0, 12, (rng.integers(1, 5), 2))
        true_boxes = np.hstack([corners, corners + rng.integers(3, 8, corners.shape)])
        copies = true_boxes[rng.integers(0, len(true_boxes), rng.integers(0, 9))]
        boxes = copies + rng.integers(-1, 2, copies.shape)
        scores = rng.integers(0, 4, len(boxes)) / 4  # many ties
        difficult = rng.random(len(true_boxes)) < 0.3
        images.append((detections(boxes, scores), objects(true_boxes, difficult)))
    return images


@pytest.mark.parametrize('mode', list(ApMode))
def test_agrees_with_brute_force_on_random_cases(mode):
    rng = np.random.default_rng(0)
    compared = 0
    while compared < 300:
        images = random_images(rng)
        if all(truth.difficult.all() for _, truth in images):
            continue
        assert ap_of(mode, *images) == pytest.approx(brute_force(images, mode), abs=1e-12)
        compared += 1


@pytest.mark.parametrize(
    ('found', 'levels'), [(1, 2), (2, 3), (3, 3), (4, 5), (5, 6), (6, 6), (7, 7), (8, 9), (10, 11)]
)
def test_recall_levels_are_multiples_of_a_tenth_in_binary(found, levels):
    """3 * 0.1, 6 * 0.1 and 7 * 0.1 are above the recalls 3 / 10, 6 / 10 and 7 / 10."""
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(10)]
    image = detections(boxes[:found], np.ones(found)), objects(boxes)
    assert ap_of(ApMode.VOC07, image) == pytest.approx(levels / 11)


def test_the_protocol_says_which_overlap_and_which_recalls_count():
    for mode, levels in ((ApMode.VOC07, 'arange(0, 1.1, 0.1)'), (ApMode.VOC10, 'every')):
        metric = DetectionMetric(['object'], mode)
        metric.update(detections([A], [0.9]), objects([A]))
        protocol = metric.compute().protocol
        assert 'at least 0.5' in protocol['overlap'] and levels in protocol['recall_levels']


def test_classes_are_scored_separately_and_absent_classes_left_out():
    metric = DetectionMetric(['cat', 'dog', 'cow'], ApMode.VOC10)
    metric.update(detections([A, B], [0.9, 0.8], [0, 0]), objects([A, B], classes=[0, 1]))
    result = metric.compute()
    assert result.per_class['cat'] == 1  # the wrong detection comes later
    assert result.per_class['dog'] == 0
    assert np.isnan(result.per_class['cow'])
    assert result.map == 0.5
    document = result.to_json()
    assert document['protocol']['ap'] == 'VOC10'
    assert document['per_class']['cow'] is None
    assert document['curves']['cat'] == [1.0] * 101


@pytest.mark.parametrize(
    ('prediction', 'truth', 'message'),
    [
        (([A], [0.9], [1]), ([A],), 'detections.*class index 1.*0 to 0'),
        (([A], [0.9]), ([A], [False], [-1]), 'ground-truth boxes.*class index -1'),
        (([[5, 0, 5, 9]], [0.9]), ([A],), r'detections.*\[5.0, 0.0, 5.0, 9.0\]'),
        (([A], [0.9, 0.8]), ([A],), 'detections.*1 boxes.*2 scores'),
        (([A], [float('nan')]), ([A],), 'detections.*score.*NaN'),
        (([A[:3]], [0.9]), ([A],), r'detections.*\(1, 3\)'),
        (([A], [0.9]), ([A], [False, True]), '1 ground-truth boxes.*2 difficult'),
    ],
)
def test_invalid_input_is_reported(prediction, truth, message):
    with pytest.raises(MetricError, match=message):
        ap_of(ApMode.VOC07, (detections(*prediction), objects(*truth)))


def test_a_dataset_with_difficult_objects_only_is_an_error():
    with pytest.raises(MetricError, match='difficult'):
        ap_of(ApMode.VOC07, (detections([A], [0.9]), objects([A], [True])))
