"""Scoring a benchmark: the loop with a perfect predictor, limits and errors."""

import concurrent.futures
import dataclasses
import os
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from ubernet_jax import config as c
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.benchmarks import evaluate_benchmarks, evaluate_dataset
from ubernet_jax.evaluation.plans import Plan
from ubernet_jax.example import Example
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.metrics import boxes
from ubernet_jax.metrics.image_scores import ImageScores
from ubernet_jax.metrics.metric import MetricResult
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.tasks import PAPER, Depth, Task
from ubernet_jax.tasks.detections import MeasuredBoxes

pytestmark = pytest.mark.slow

# The tasks of the paper, and depth, by other names -> the names of their labels.
LABELS = {f'my_{label}': label for label in STANDARD}

TASKS = {name: (PAPER | {'depth': Depth})[label]() for name, label in LABELS.items()}

DETECTIONS = {f'my_detection_{score}' for score in ('voc07', 'voc10', 'proposals')}


@dataclasses.dataclass
class Scenes:
    """Four scenes; the second is labelled for segmentation only, the fourth has no labels."""

    name: str = 'scenes'
    source: str = 'scenes:test'

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Example:
        example = draw_scene(index, 65, 97)
        kept = {1: ['segmentation'], 3: []}.get(index, example.labels)
        return dataclasses.replace(example, labels={n: example.labels[n] for n in kept})


class Oracle:
    """Predicts the labels of each image perfectly; counts the images."""

    def __init__(self, tasks: Mapping[str, Task] = TASKS):
        self.network = dataclasses.make_dataclass('Network', ['tasks'])(tasks)
        scenes = [draw_scene(index, 65, 97) for index in range(4)]
        self.labels = {scene.image.tobytes(): scene.labels for scene in scenes}
        self.images = 0

    def shapes(self, image: np.ndarray) -> tuple[int, ...]:
        return image.shape

    def start(
        self, images: list[np.ndarray], tasks: list[str], batch: int, for_metrics: bool
    ) -> Callable[[], list[dict[str, object]]]:
        assert len(images) <= batch and for_metrics
        self.images += len(images)
        return lambda: [self._predict(image, tasks) for image in images]

    def _predict(self, image: np.ndarray, tasks: list[str]) -> dict[str, object]:
        labels = self.labels[image.tobytes()]
        results = {name: labels[LABELS[name]] for name in tasks}
        if 'my_boundaries' in tasks:
            results['my_boundaries'] = results['my_boundaries'].share
        if 'my_semantic_boundaries' in tasks:
            classes = np.arange(1, 21).reshape(-1, 1, 1)
            results['my_semantic_boundaries'] = labels['semantic_boundaries'] == classes
        if 'my_detection' in tasks:
            objects = labels['detection']
            detections = boxes.ScoredBoxes(
                boxes=objects.corners,
                scores=np.ones(len(objects), np.float32),
                classes=objects.classes.astype(int) - 1,
            )
            results['my_detection'] = MeasuredBoxes(detections, detections)
        return results


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield pool


def make_metrics(tasks: Mapping[str, Task] = TASKS) -> dict:
    return {name: task.metrics(name, 3, STANDARD) for name, task in tasks.items()}


@pytest.mark.parametrize('batch', [1, 2])
def test_a_perfect_network_gets_perfect_scores(pool, batch):
    oracle = Oracle()
    scored = list(evaluate_dataset(oracle, Scenes(), LABELS, make_metrics(), pool, batch=batch))
    assert oracle.images == 3  # the image without labels is skipped
    assert {name for _, name, *_ in scored} == set(TASKS) - {'my_detection'} | DETECTIONS
    main = {}
    for task, name, result, image_scores in scored:
        assert name.startswith(task)
        check_images(name, result, image_scores)
        assert result.images == (3 if task == 'my_segmentation' else 2)
        for score, value in result.scores().items():
            if score.main:
                main.setdefault(task, []).append((score, value))
    assert set(main) == set(TASKS)
    for task, [(score, value)] in main.items():  # every task has a single main score
        # The non-maximum suppression moves some boundary pixels, by less than the tolerance.
        tolerance = 0.2 if 'boundaries' in task else 0.03
        assert value == pytest.approx(0 if score.lower_is_better else 1, abs=tolerance)


def check_images(name: str, result: MetricResult, scores: ImageScores | None) -> None:
    """Every image that was scored has a score with its id; boxes have none."""
    if name in DETECTIONS:
        assert scores is None
        return
    assert scores is not None and len(scores.values) == result.images
    assert {*scores.values} <= {'scene-000000', 'scene-000001', 'scene-000002'}
    tolerance = 0.2 if 'boundaries' in name else 0.03
    perfect = 0 if scores.score.lower_is_better else 1
    assert [*scores.values.values()] == pytest.approx([perfect] * result.images, abs=tolerance)


def test_a_limit_spreads_over_the_dataset(pool):
    scored = evaluate_dataset(Oracle(), Scenes(), LABELS, make_metrics(), pool, limit=2)
    images = {task: result.images for task, _, result, _ in scored}
    assert images == dict.fromkeys(TASKS, 2)  # the first and the third


def test_undefined_scores_of_images_are_left_out(pool):
    class Empty(SegmentationMetric):
        def image_scores(self):
            score, values = super().image_scores()
            return score, np.full_like(values, np.nan)

    metrics = {'my_parts': {'my_parts': Empty(len(TASKS['my_parts'].classes))}}
    ((_, _, result, scores),) = evaluate_dataset(Oracle(), Scenes(), LABELS, metrics, pool)
    assert result.images == 2 and scores is None


def test_an_error_in_a_label_names_its_image(pool):
    tasks = {'my_parts': c.Segmentation(classes=('background', 'person'))}
    with pytest.raises(UserError, match='my_parts of scenes:scene-000000:.*ground truth'):
        list(evaluate_dataset(Oracle(tasks), Scenes(), LABELS, make_metrics(tasks), pool))


def test_what_was_added_up_is_not_sent_to_the_workers():
    """Sent with every image, the angles of all images before it would be copied."""
    sent = []

    class Pool(concurrent.futures.ThreadPoolExecutor):
        def submit(self, measure, *arguments):
            sent.append(measure.__self__.images)
            return super().submit(measure, *arguments)

    metrics = make_metrics()
    with Pool(1) as pool:
        list(evaluate_dataset(Oracle(), Scenes(), LABELS, metrics, pool))
    assert metrics['my_normals']['my_normals'].images == 2
    assert set(sent) == {0}


class Dying(SegmentationMetric):
    """A metric that ends its process."""

    def measure(self, prediction, truth):
        os._exit(1)


class PlanOfDying(Plan):
    """A benchmark that is scored by this metric."""

    def make_metrics(self, tasks, thresholds):
        return {'my_parts': {'my_parts': Dying(len(tasks['my_parts'].classes))}}


def test_the_death_of_a_worker_process_is_reported():
    benchmark = c.DatasetConfig(name='scenes', split='test')
    plan = PlanOfDying(benchmark, Scenes(), LABELS, presets={}, left_out={})
    with pytest.raises(UserError, match='scored predictions died.*memory.*__main__'):
        list(evaluate_benchmarks(Oracle(), [plan], thresholds=3))
