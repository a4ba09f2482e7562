"""Proposal recall: small examples and pycocotools."""

import numpy as np
import pytest

from ubernet_jax.metrics.boxes import Objects, ScoredBoxes
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.proposals import ProposalMetric


def proposals(boxes, scores) -> ScoredBoxes:
    return ScoredBoxes(boxes=np.array(boxes, float), scores=np.array(scores, float))


def objects(boxes, difficult=None) -> Objects:
    difficult = np.zeros(len(boxes), bool) if difficult is None else np.array(difficult)
    return Objects(
        boxes=np.array(boxes, float), classes=np.zeros(len(boxes), int), difficult=difficult
    )


def test_recall_of_a_small_example():
    metric = ProposalMetric(limits=(1, 2))
    truth = objects([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], [False, False, True])
    metric.update(proposals([[0, 0, 10, 8], [20, 0, 30, 10]], [0.2, 0.9]), truth)
    result = metric.compute()
    assert result.objects == 2
    assert result.recall == {1: 0.5, 2: 1.0}
    assert result.average_recall[1] == pytest.approx(0.5)
    assert result.average_recall[2] == pytest.approx((10 + 7) / 20)  # 0.8 reaches .5 to .8


def test_objects_and_proposals_are_matched_one_to_one():
    metric = ProposalMetric(limits=(10,))
    metric.update(
        proposals([[0, 0, 10, 10]] * 3, [3, 2, 1]), objects([[0, 0, 10, 10], [0, 0, 10, 9]])
    )
    assert metric.compute().recall == {10: 1.0}
    metric = ProposalMetric(limits=(10,))
    metric.update(proposals([[0, 0, 10, 10]], [1]), objects([[0, 0, 10, 10], [0, 0, 10, 9]]))
    assert metric.compute().recall == {10: 0.5}


def test_an_overlap_of_exactly_the_threshold_is_enough():
    metric = ProposalMetric(limits=(1,))
    metric.update(proposals([[0, 0, 10, 5]], [1]), objects([[0, 0, 10, 10]]))
    result = metric.compute()
    assert result.recall == {1: 1} and 'at least 0.5' in result.protocol['overlap']


def test_agrees_with_pycocotools():
    coco_api = pytest.importorskip('pycocotools.coco')
    evaluator = pytest.importorskip('pycocotools.cocoeval')
    rng = np.random.default_rng(0)
    metric = ProposalMetric(limits=(5, 20, 100))
    truth, predictions = coco_api.COCO(), []
    truth.dataset = {'info': {}, 'images': [], 'annotations': [], 'categories': [{'id': 1}]}
    for image in range(1, 21):
        corners = rng.uniform(0, 80, (rng.integers(0, 7), 2))
        true_boxes = np.hstack([corners, corners + rng.uniform(20, 60, corners.shape)])
        near = np.repeat(true_boxes, 6, 0)
        boxes = np.vstack(
            [near + rng.normal(0, 4, near.shape), rng.uniform(0, 30, (40, 4)) + [0, 0, 40, 40]]
        )
        scores = rng.permutation(len(boxes)) / len(boxes)
        metric.update(proposals(boxes, scores), objects(true_boxes))
        truth.dataset['images'].append({'id': image})
        for box in true_boxes:
            x, y, width, height = *box[:2], *(box[2:] - box[:2])
            entry = {'image_id': image, 'category_id': 1, 'iscrowd': 0, 'area': width * height}
            entry |= {'id': len(truth.dataset['annotations']) + 1, 'bbox': [x, y, width, height]}
            truth.dataset['annotations'].append(entry)
        for box, score in zip(boxes, scores, strict=True):
            bbox = [*box[:2], *(box[2:] - box[:2])]
            predictions.append({'image_id': image, 'category_id': 1, 'bbox': bbox, 'score': score})
    truth.createIndex()
    peer = evaluator.COCOeval(truth, truth.loadRes(predictions), 'bbox')
    peer.params.useCats, peer.params.maxDets = 0, [5, 20, 100]
    peer.evaluate()
    peer.accumulate()
    recall = peer.eval['recall'][:, 0, 0, :]  # overlap, category, area, limit
    result = metric.compute()
    assert list(result.recall.values()) == pytest.approx(recall[0])
    assert list(result.average_recall.values()) == pytest.approx(recall.mean(0))
    assert 0.1 < result.average_recall[5] < result.average_recall[100] < 0.9


def test_a_dataset_needs_objects_but_not_proposals():
    metric = ProposalMetric()
    metric.update(proposals([], []), objects([]))
    with pytest.raises(MetricError, match='no image has an object'):
        metric.compute()
    metric.update(proposals([], []), objects([[0, 0, 1, 1]]))
    assert metric.compute().recall == {100: 0.0, 300: 0.0, 1000: 0.0}
