"""The evaluation loop, with predictors that are exactly right or exactly wrong."""

import concurrent.futures
import dataclasses

import numpy as np
import pytest

from ubernet_jax.datasets.scenes import draw_scene
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.benchmarks import evaluate_dataset
from ubernet_jax.evaluation.evaluators import ground_truth, headline, make_metrics
from ubernet_jax.structs import Detections, Example
from ubernet_jax.tasks import TASKS

PERFECT = {'normals': 0}  # all other scores: 1
RESULTS = {name for task in TASKS.values() for name in make_metrics(task, 3)}


@dataclasses.dataclass
class Scenes:
    """Three scenes; the second is labelled for segmentation only."""

    name: str = 'scenes'
    split: str = 'test'

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Example:
        example = draw_scene(index, 65, 97)
        if index == 1:
            example.labels = {'segmentation': example.labels['segmentation']}
        return example


class Oracle:
    """Predicts the labels of the image that it is shown."""

    def __init__(self, network_tasks=TASKS):
        self.network = dataclasses.make_dataclass('Network', ['tasks'])(network_tasks)
        self.labels = {
            draw_scene(i, 65, 97).image.tobytes(): draw_scene(i, 65, 97) for i in range(3)
        }

    def measurable(self, image: np.ndarray, tasks: list[str]) -> dict[str, np.ndarray]:
        labels = self.labels[image.tobytes()].labels
        classes = np.arange(1, 21).reshape(-1, 1, 1)
        results = {name: labels[name] for name in tasks}
        if 'semantic_boundaries' in tasks:
            results['semantic_boundaries'] = labels['semantic_boundaries'] == classes
        if 'detection' in tasks:
            boxes = labels['detection']
            scores = np.ones(len(boxes), np.float32)
            found = Detections(corners=boxes.corners, classes=boxes.classes, scores=scores)
            results['detection'] = (found, found)
        return results


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield pool


def metrics() -> dict:
    return {name: make_metrics(TASKS[name], thresholds=3) for name in TASKS}


def test_a_perfect_network_gets_perfect_scores(pool):
    results = evaluate_dataset(Oracle(), Scenes(), metrics(), pool)
    assert set(results) == RESULTS and len(RESULTS) == len(TASKS) + 2
    assert {name for name, result in results.items() if result.images == 3} == {'segmentation'}
    assert {result.images for result in results.values()} == {2, 3}
    for name, result in results.items():
        first = next(iter(headline(result).values()))
        # The non-maximum suppression moves some boundary pixels, by less than the tolerance.
        tolerance = 0.2 if 'boundaries' in name else 0.03
        assert first == pytest.approx(PERFECT.get(name, 1), abs=tolerance)


def test_a_limit_spreads_over_the_set(pool):
    results = evaluate_dataset(Oracle(), Scenes(), metrics(), pool, limit=1)
    assert results['segmentation'].images == 1


def test_a_label_that_does_not_fit_names_its_image(pool):
    only = {'parts': make_metrics(dataclasses.replace(TASKS['parts'], channels=2, classes=()), 3)}
    with pytest.raises(UserError, match='parts of scenes:scene-00000'):
        evaluate_dataset(Oracle(), Scenes(), only, pool)


def test_every_annotator_counts_where_they_are_kept_apart():
    annotators = np.eye(4, dtype=np.uint8)[None].repeat(2, 0)
    share = np.full((4, 4), 130, np.uint8)
    example = Example(id='a', image=np.zeros((4, 4, 3), np.uint8), labels={'boundaries': share})
    assert ground_truth(TASKS['boundaries'], example).all()
    example.annotators = annotators
    assert ground_truth(TASKS['boundaries'], example) is annotators


def test_semantic_boundaries_are_scored_with_regions_where_there_are_any():
    label = np.zeros((4, 4), np.uint8)
    label[1, 1] = 3
    segmentation = np.full((4, 4), 3, np.uint8)
    labels = {'semantic_boundaries': label, 'segmentation': segmentation}
    example = Example(id='a', image=np.zeros((4, 4, 3), np.uint8), labels=labels)
    truth = ground_truth(TASKS['semantic_boundaries'], example)
    assert truth.boundaries.shape == (20, 4, 4) and truth.boundaries.sum() == 1
    assert truth.boundaries[2, 1, 1] and truth.regions[2].all() and truth.regions.sum() == 16
    del labels['segmentation']
    assert ground_truth(TASKS['semantic_boundaries'], example).regions is None
    for regions, mode in ((True, 'pre-SEAL'), (False, 'post-SEAL')):
        (metric,) = make_metrics(TASKS['semantic_boundaries'], 3, regions).values()
        assert metric.mode.value == mode
