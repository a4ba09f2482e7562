"""Presets in `evaluate`: the scores of `ubernet score` for the same predictions."""

import concurrent.futures
import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pytest

from helpers import plain_network
from helpers.scorer import Scorer
from helpers.tiny_network import ALWAYS_33
from ubernet_jax import config as c
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.evaluation import plans
from ubernet_jax.evaluation.benchmarks import evaluate_dataset
from ubernet_jax.evaluation.plans import Plan, plan_benchmarks
from ubernet_jax.example import Example
from ubernet_jax.inference.predictor import Predictor, Purpose
from ubernet_jax.labels import ClassMap, LabelKind
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.network import make_network

pytestmark = pytest.mark.slow

DENSE = ('segmentation', 'parts', 'saliency', 'normals', 'depth', 'boundaries')


@dataclasses.dataclass
class Scenes:
    """Three scenes with the labels of a benchmark, in which some depths are unknown."""

    name: str
    labels: Mapping[str, LabelKind]
    source: str = 'scenes:val'

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Example:
        example = draw_scene(index, 65, 97)
        example.labels['depth'][:9, : 20 * index] = 0
        return dataclasses.replace(example, id=str(index))

    def present_labels(self) -> tuple[str, ...]:
        return tuple(self.labels)


@pytest.fixture
def make_plan(monkeypatch):
    """A function that plans the scoring of tasks on scenes with the name of a benchmark."""

    def make(protocol: str, benchmark: str, labels: Mapping[str, LabelKind] = STANDARD) -> Plan:
        tasks = {name: c.PAPER[name]() if name in c.PAPER else c.Depth() for name in labels}
        for name, label in labels.items():
            tasks[name].classes = getattr(label, 'classes', ())
        config = c.Config(tasks=tasks)
        config.evaluation.benchmarks = [c.DatasetConfig(name=benchmark, split='val')]
        monkeypatch.setattr(plans, 'open_datasets', lambda *_: [Scenes(benchmark, labels)])
        (plan,) = plan_benchmarks(config, tasks, protocol)
        return plan

    return make


@pytest.fixture(scope='module')
def predictor() -> Predictor:
    tasks = {name: c.PAPER[name]() if name in c.PAPER else c.Depth() for name in DENSE}
    network = make_network(c.Config(tasks=tasks, model=c.ModelConfig(width=1 / 16, scales=1)))
    params, stats = plain_network.random_variables(network)
    for task in ('saliency', 'boundaries'):  # probabilities that are neither 0 nor 1
        params[task] = jax.tree.map(lambda leaf: 0.003 * leaf, params[task])
    return Predictor(network, ALWAYS_33, params, stats)


@pytest.fixture(scope='module')
def predictions(predictor) -> list[dict[str, np.ndarray]]:
    """The arrays of every scene, as `predict --arrays` writes them."""
    tasks, predicted = predictor.network.tasks, []
    for example in (draw_scene(index, 65, 97) for index in range(3)):
        (results,) = predictor.start([example.image], DENSE, 1, Purpose.RESULT)()
        predicted.append(
            {
                name: a
                for task in DENSE
                for name, a in tasks[task].arrays(task, results[task]).items()
            }
        )
    return predicted


@pytest.mark.parametrize('protocol', ['invpt', 'astmt'])
def test_the_scores_are_those_of_score_for_saved_predictions(
    protocol, make_plan, predictor, predictions, tmp_path
):
    plan = make_plan(protocol, 'pascal_mt', {name: STANDARD[name] for name in DENSE})
    metrics = plan.make_metrics(predictor.network.tasks, 3)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        scored = [*evaluate_dataset(predictor, plan.dataset, plan.labels, metrics, pool)]
    assert [task for task, *_ in scored] == [*DENSE]
    scorer = Scorer(tmp_path)
    for index, arrays in enumerate(predictions):
        (scorer.predictions / f'{index}').mkdir()
        np.savez(scorer.predictions / f'{index}' / 'predictions.npz', **arrays)
    for task, _, result, _ in scored:
        for index in range(3):
            example = plan.dataset[index]
            truth = predictor.network.tasks[task].truth(example.labels[task], example)
            np.save(scorer.truths / f'{index}.npy', truth)
        expected = scorer.scores(task, '--protocol', protocol, '--benchmark', 'pascal_mt')
        actual = plan.report(task, result).to_json()
        assert values(actual) == pytest.approx(values(expected), rel=1e-6), task
        assert all(0 < value < np.inf for value in values(actual).values()), task
        for name in ('preset', 'source', 'benchmark', 'images_of_benchmark', 'note'):
            assert actual['protocol'][name] == expected['protocol'][name]
        assert actual['protocol']['size'] == 'of the image'
        assert actual['protocol']['size_of_source'] == expected['protocol']['size']


def values(result: Mapping[str, Any]) -> dict[str, float]:
    return {score['name']: score['value'] for score in result['scores']}


def test_tasks_that_a_protocol_does_not_define_are_left_out(make_plan):
    plan = make_plan('mtlora', 'pascal_mt')
    assert {*plan.labels} == {*plan.presets} == {*DENSE} - {'boundaries'}
    assert {*plan.left_out} == {'boundaries', 'semantic_boundaries', 'detection'}
    assert 'mtlora does not score detection' in plan.left_out['detection']
    assert 'astmt' in plan.left_out['boundaries']


def test_a_protocol_of_a_benchmark_scores_its_classes_only(make_plan):
    labels = {'segmentation': ClassMap(classes=tuple(map(str, range(40))))}
    assert '40 classes' in make_plan('astmt', 'nyud_mt', labels).left_out['segmentation']
    assert make_plan('invpt', 'nyud_mt', labels).presets


def test_class_maps_named_parts_are_scored_as_parts(make_plan):
    presets = make_plan('invpt', 'pascal_mt').presets
    assert presets['parts'].settings['skip_background_only']
    assert 'skip_background_only' not in presets['segmentation'].settings


def test_a_protocol_that_depends_on_the_benchmark_leaves_boundaries_of_others_out(make_plan):
    plan = make_plan('invpt', 'folder/garden')
    assert 'folder/garden' in plan.left_out['boundaries']
    assert 'pascal_mt' in plan.left_out['boundaries'] and 'saliency' in plan.presets


def test_our_protocol_leaves_nothing_out(make_plan):
    plan = make_plan('ours', 'pascal_mt')
    assert {*plan.labels} == {*STANDARD} and not plan.presets and not plan.left_out
