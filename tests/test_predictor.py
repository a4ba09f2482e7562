"""Whole photographs: the size at which they enter, and what comes back at their own size."""

import functools

import jax
import numpy as np
import pytest
import scipy.special
import tiny_network
from tiny_network import ALWAYS_33

from ubernet_jax.config import InputSizeConfig
from ubernet_jax.errors import UserError
from ubernet_jax.inference import predictor as predictor_module
from ubernet_jax.inference.predictor import Predictor, input_size, select_tasks
from ubernet_jax.models.ubernet import make_network
from ubernet_jax.ops.interpolate import resize
from ubernet_jax.tasks import DENSE_TASKS, TASKS

PAPER = InputSizeConfig()


@pytest.mark.parametrize(
    ('size', 'wanted'),
    [
        ((375, 500), (641, 865)),
        ((500, 375), (865, 641)),
        ((321, 481), (641, 961)),
        ((480, 640), (641, 865)),
        ((1, 1), (641, 641)),
        ((6000, 8000), (641, 865)),
        ((8000, 6000), (865, 641)),
        ((100, 1000), (97, 961)),
        ((1, 5000), (33, 961)),
    ],
)
def test_the_papers_input_sizes(size, wanted):
    assert input_size(*size, PAPER) == wanted


def test_where_the_area_bites_sides_are_rounded_down():
    config = InputSizeConfig(short_side=625, long_side=961, area=300_000)
    height, width = input_size(375, 500, config)
    assert (height, width) == (449, 609)  # 474.3 x 632.5 before
    assert height * width <= 300_000


@pytest.mark.parametrize('config', [PAPER, ALWAYS_33, InputSizeConfig(area=200_000)])
def test_input_sides_are_32k_plus_1_and_within_the_limits(config):
    rng = np.random.default_rng(0)
    for height, width in rng.integers(1, 9000, (200, 2)).tolist():
        size = input_size(height, width, config)
        assert all(isinstance(side, int) and side >= 33 and side % 32 == 1 for side in size)
        assert max(size) < config.long_side + 32 and min(size) < config.short_side + 32


@pytest.fixture(scope='module')
def predictor() -> Predictor:
    """Of all tasks; every image enters at 33x33, so it is compiled once."""
    config, _, params, batch_stats = tiny_network.make_trained()
    return Predictor(make_network(config), config.input_size, params, batch_stats)


def make_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize('size', [(1, 1), (1, 33), (47, 31), (520, 19)])
def test_predictions_have_the_images_size_and_their_kinds(predictor, size):
    assert input_size(*size, ALWAYS_33) == (33, 33)
    image = make_image(*size)
    result = predictor(image, tuple(TASKS))
    for field in ('boundaries', 'saliency', 'semantic_boundary_strength'):
        values = getattr(result, field)
        assert (values.dtype, values.shape) == (np.float32, size)
        assert values.min() >= 0 and values.max() <= 1
    assert (result.normals.dtype, result.normals.shape) == (np.float32, (*size, 3))
    np.testing.assert_allclose(np.linalg.norm(result.normals, axis=-1), 1, atol=1e-5)
    found = result.detection
    assert len(found.corners) == len(found.classes) == len(found.scores) <= 5
    assert (found.corners >= 0).all() and (found.corners <= [*size[::-1], *size[::-1]]).all()
    highest = {'segmentation': 20, 'parts': 6, 'semantic_boundaries': 20}
    for field, last in highest.items():
        classes = getattr(result, field)
        assert (classes.dtype, classes.shape) == (np.uint8, size)
        assert classes.min() >= (field == 'semantic_boundaries') and classes.max() <= last


def test_scores_are_interpolated_and_never_labels(predictor):
    image = make_image(47, 31)
    result = predictor(image, tuple(TASKS))
    maps = dict(predictor.scores(image, tuple(DENSE_TASKS)))
    assert maps['saliency'].shape == (33, 33, 2) and maps['segmentation'].shape == (5, 5, 21)
    scores = {name: resize(own, (47, 31)) for name, own in maps.items()}

    softmax = functools.partial(scipy.special.softmax, axis=-1)
    close = functools.partial(
        np.testing.assert_allclose, atol=1e-3
    )  # the scores are large, and rounded
    close(result.boundaries, softmax(scores['boundaries'])[..., 1])
    close(result.saliency, softmax(scores['saliency'])[..., 1])
    lengths = np.linalg.norm(scores['normals'], axis=-1, keepdims=True)
    close(result.normals, scores['normals'] / lengths)
    np.testing.assert_array_equal(result.segmentation, scores['segmentation'].argmax(-1))
    np.testing.assert_array_equal(result.parts, scores['parts'].argmax(-1))
    probability = softmax(scores['semantic_boundaries'])[..., 1:]
    np.testing.assert_array_equal(result.semantic_boundaries, 1 + probability.argmax(-1))
    close(result.semantic_boundary_strength, probability.max(-1))
    assert len(np.unique(result.segmentation)) > 1


def test_evaluators_get_every_class_of_boundary(predictor):
    image = make_image(47, 31)
    measurable = predictor.measurable(image, tuple(TASKS))
    predictions = predictor(image, tuple(TASKS))
    maps = measurable.pop('semantic_boundaries')
    assert (maps.dtype, maps.shape) == (np.uint8, (20, 47, 31))
    strength = predictions.semantic_boundary_strength
    np.testing.assert_allclose(maps.max(0) / 255, strength, atol=0.5 / 255 + 1e-6)
    detections, proposals = measurable.pop('detection')
    np.testing.assert_array_equal(detections.corners, predictions.detection.corners)
    assert 0 < len(proposals.corners) <= 10 and (np.diff(proposals.scores) <= 0).all()
    for name, array in measurable.items():
        np.testing.assert_array_equal(array, getattr(predictions, name))


def test_the_strips_have_no_seam(predictor, monkeypatch):
    image = make_image(520, 19)
    strips = predictor(image, tuple(DENSE_TASKS)).arrays()
    monkeypatch.setattr(predictor_module, 'STRIP', 1000)
    whole = predictor(image, tuple(DENSE_TASKS)).arrays()
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-6), strips, whole)


def test_only_the_wanted_tasks_are_predicted(predictor):
    result = predictor(make_image(5, 5), ('parts',))
    assert list(result.arrays()) == ['parts']
    result = predictor(make_image(5, 5), ('semantic_boundaries',))
    assert list(result.arrays()) == ['semantic_boundaries', 'semantic_boundary_strength']


def test_tasks_are_selected_in_the_tables_order_and_unknown_ones_refused(predictor):
    tasks = predictor.network.tasks
    assert select_tasks(tasks, None) == tuple(TASKS)
    assert select_tasks(tasks, ['parts', 'normals']) == ('normals', 'parts')
    with pytest.raises(UserError, match=r'unknown task depth, x: this network has boundaries, '):
        select_tasks(tasks, ['x', 'parts', 'depth'])
