"""The evaluation loop, with predictors that are exactly right or exactly wrong."""

import concurrent.futures
import dataclasses

import numpy as np
import pytest

from ubernet_jax.datasets.scenes import draw_scene
from ubernet_jax.errors import UserError
from ubernet_jax.evaluate import evaluate_dataset, ground_truth, headline, make_metric
from ubernet_jax.structs import Example, Predictions
from ubernet_jax.tasks import TASKS

SCORED = ('boundaries', 'normals', 'saliency', 'segmentation', 'parts')
PERFECT = {'boundaries': 1, 'normals': 0, 'saliency': 1, 'segmentation': 1, 'parts': 1}


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

    def __call__(self, image: np.ndarray, tasks: list[str]) -> Predictions:
        labels = self.labels[image.tobytes()].labels
        shares = {'boundaries', 'saliency'}
        return Predictions(
            **{t: np.float32(labels[t]) / 255 if t in shares else labels[t] for t in tasks}
        )


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield pool


def metrics() -> dict:
    return {name: make_metric(TASKS[name], thresholds=3) for name in SCORED}


def test_a_perfect_network_gets_perfect_scores(pool):
    results = evaluate_dataset(Oracle(), Scenes(), metrics(), pool)
    assert {name: result.images for name, result in results.items()} == {
        'boundaries': 2, 'normals': 2, 'saliency': 2, 'segmentation': 3, 'parts': 2,
    }  # fmt: skip
    for name, result in results.items():
        first = next(iter(headline(result).values()))
        # The non-maximum suppression moves some boundary pixels, by less than the tolerance.
        assert first == pytest.approx(PERFECT[name], abs=0.2 if name == 'boundaries' else 0.03)


def test_a_limit_spreads_over_the_set(pool):
    results = evaluate_dataset(Oracle(), Scenes(), metrics(), pool, limit=1)
    assert results['segmentation'].images == 1


def test_a_label_that_does_not_fit_names_its_image(pool):
    only = {'parts': make_metric(dataclasses.replace(TASKS['parts'], channels=2, classes=()), 3)}
    with pytest.raises(UserError, match='parts of scenes:scene-00000'):
        evaluate_dataset(Oracle(), Scenes(), only, pool)


def test_every_annotator_counts_where_they_are_kept_apart():
    annotators = np.eye(4, dtype=np.uint8)[None].repeat(2, 0)
    share = np.full((4, 4), 130, np.uint8)
    example = Example(id='a', image=np.zeros((4, 4, 3), np.uint8), labels={'boundaries': share})
    assert ground_truth(TASKS['boundaries'], example).all()
    example.annotators = annotators
    assert ground_truth(TASKS['boundaries'], example) is annotators
