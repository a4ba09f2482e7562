"""Entire photographs: the input size of the network, and results at the size of the photograph."""

import functools

import jax
import numpy as np
import pytest
import scipy.special

from helpers import tiny_network
from helpers.interpolation import resize
from helpers.tiny_network import ALWAYS_33
from ubernet_jax.config import InputSizeConfig
from ubernet_jax.errors import UserError
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.inference.predictor import Predictor, Purpose, apply, input_size
from ubernet_jax.models.grid import Grid
from ubernet_jax.network import make_network
from ubernet_jax.tasks import PAPER, select_tasks, strips
from ubernet_jax.transforms.grids import resize_image
from ubernet_jax.weights.exported import TrainedNetwork

NODES = Grid(32)
AS_PUBLISHED = InputSizeConfig()
DENSE = tuple(name for name in PAPER if name != 'detection')


@pytest.mark.parametrize(
    ('size', 'expected'),
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
def test_the_input_sizes_are_those_of_the_paper(size, expected):
    assert input_size(*size, AS_PUBLISHED, NODES) == expected


def test_sides_are_rounded_down_if_the_area_limit_applies():
    config = InputSizeConfig(short_side=625, long_side=961, area=300_000)
    height, width = input_size(375, 500, config, NODES)
    assert (height, width) == (449, 609)  # 474.3 x 632.5 before rounding
    assert height * width <= 300_000


@pytest.mark.parametrize('config', [AS_PUBLISHED, ALWAYS_33, InputSizeConfig(area=200_000)])
def test_input_sides_are_32k_plus_1_and_within_the_limits(config):
    rng = np.random.default_rng(0)
    for height, width in rng.integers(1, 9000, (200, 2)).tolist():
        size = input_size(height, width, config, NODES)
        assert all(isinstance(side, int) and side >= 33 and side % 32 == 1 for side in size)
        assert max(size) < config.long_side + 32 and min(size) < config.short_side + 32


@pytest.fixture(scope='module')
def trained() -> TrainedNetwork:
    """A network with all tasks; the input size is always 33x33, so it is compiled once."""
    return tiny_network.make_trained()


@pytest.fixture(scope='module')
def predictor(trained) -> Predictor:
    config, _, params, batch_stats = trained
    return Predictor(make_network(config), config.input_size, params, batch_stats)


def make_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize('size', [(1, 1), (1, 33), (47, 31), (520, 19)])
def test_predictions_have_the_size_of_the_image_and_the_type_of_the_task(predictor, size):
    assert input_size(*size, ALWAYS_33, NODES) == (33, 33)
    image = make_image(*size)
    out = predictor(image, tuple(PAPER))
    assert tuple(out) == tuple(out.tasks) == tuple(PAPER)
    np.testing.assert_array_equal(out.image, image)
    for values in (out.boundaries, out.saliency, out.semantic_boundaries.strength):
        assert (values.dtype, values.shape) == (np.float32, size)
        assert values.min() >= 0 and values.max() <= 1
    assert (out.normals.dtype, out.normals.shape) == (np.float32, (*size, 3))
    np.testing.assert_allclose(np.linalg.norm(out.normals, axis=-1), 1, atol=1e-3)
    boxes = out.detection
    assert len(boxes.corners) == len(boxes.classes) == len(boxes) <= 5
    assert (boxes.corners.dtype, boxes.scores.dtype) == (np.float32, np.float32)
    assert (boxes.corners >= 0).all() and (boxes.corners <= [*size[::-1], *size[::-1]]).all()
    assert (np.diff(boxes.scores) <= 0).all() and (boxes.classes > 0).all()
    boundary_classes = out.semantic_boundaries.classes
    for classes, first, last in (
        (out.segmentation, 0, 20), (out.parts, 0, 6), (boundary_classes, 1, 20)
    ):  # fmt: skip
        assert (classes.dtype, classes.shape) == (np.uint8, size)
        assert classes.min() >= first and classes.max() <= last


def test_scores_are_interpolated_before_the_classes_are_chosen(trained, predictor):
    image = make_image(47, 31)
    out = predictor(image, tuple(PAPER))
    _, _, params, stats = trained
    resized = resize_image(image, (33, 33))[None]
    maps = apply(predictor.network, params, stats, resized, DENSE)
    assert maps['saliency'].shape == (1, 33, 33, 2) and maps['segmentation'].shape == (1, 5, 5, 21)
    scores = {name: resize(task_scores[0], (47, 31)) for name, task_scores in maps.items()}

    softmax = functools.partial(scipy.special.softmax, axis=-1)
    close = functools.partial(np.testing.assert_allclose, atol=1e-4)
    close(out.boundaries, softmax(scores['boundaries'])[..., 1])
    close(out.saliency, softmax(scores['saliency'])[..., 1])
    lengths = np.linalg.norm(scores['normals'], axis=-1, keepdims=True)
    close(out.normals, scores['normals'] / lengths)
    np.testing.assert_array_equal(out.segmentation, scores['segmentation'].argmax(-1))
    np.testing.assert_array_equal(out.parts, scores['parts'].argmax(-1))
    probability = softmax(scores['semantic_boundaries'])[..., 1:]
    np.testing.assert_array_equal(out.semantic_boundaries.classes, 1 + probability.argmax(-1))
    close(out.semantic_boundaries.strength, probability.max(-1))
    assert len(np.unique(out.segmentation)) > 1


def test_the_inputs_of_metrics_have_all_boundary_classes_and_the_proposals(predictor):
    image = make_image(47, 31)
    (inputs,) = predictor.start([image], tuple(PAPER), purpose=Purpose.METRICS)()
    out = predictor(image, tuple(PAPER))
    assert tuple(inputs) == tuple(PAPER)
    maps = inputs.pop('semantic_boundaries')
    assert (maps.dtype, maps.shape) == (np.uint8, (20, 47, 31))
    strength = out.semantic_boundaries.strength
    np.testing.assert_allclose(maps.max(0) / 255, strength, atol=0.5 / 255 + 5e-4)
    detections, proposals = inputs.pop('detection')
    np.testing.assert_array_equal(detections.boxes, out.detection.corners)
    np.testing.assert_array_equal(detections.scores, out.detection.scores)
    # Metrics count classes from 0 without the background.
    np.testing.assert_array_equal(detections.classes + 1, out.detection.classes)
    assert 0 < len(proposals.boxes) <= 10 and (np.diff(proposals.scores) <= 0).all()
    assert proposals.boxes.max() > 33  # at the size of the image
    for name, array in inputs.items():
        np.testing.assert_array_equal(array, out[name])


def test_images_of_a_batch_have_the_results_of_single_images(predictor):
    """Of different sizes, of which the largest has several strips; the batch is not full."""
    images = [make_image(2 * strips.ROWS + 9, 19), make_image(300, 40), make_image(300, 64)]
    assert len({predictor.shapes(image) for image in images}) == 1
    results = predictor.start(images, DENSE, batch=4)()
    assert len(results) == 3
    for image, result in zip(images, results, strict=True):
        jax.tree.map(
            functools.partial(np.testing.assert_allclose, atol=1e-3),
            Predictions(image, predictor.network.tasks, result).arrays(),
            predictor(image, DENSE).arrays(),
        )


def test_widths_are_padded_to_four_values_from_one_power_of_2_to_the_next():
    assert [strips.padded_width(width) for width in (1, 64, 65, 80, 500, 1024, 1025)] == [
        64, 64, 80, 80, 512, 1024, 1280,
    ]  # fmt: skip
    widths = range(1, 5000)
    assert all(0 <= strips.padded_width(w) - w <= max(63, w / 4) for w in widths)
    assert len({strips.padded_width(w) for w in range(513, 1025)}) == 4


def test_the_results_of_a_photograph_take_at_most_4_mb_on_their_way_to_the_host():
    """At 500x375, for the tasks of the paper; a strip is computed for its shape only."""
    sizes, strip_count = np.int32([[375, 500]]), -(-375 // strips.ROWS)
    total = 0
    for name in DENSE:
        task = PAPER[name]()
        scores = jax.ShapeDtypeStruct((1, 81, 109, task.channels), np.float32)
        strip = jax.eval_shape(
            functools.partial(strips.strip_program, task.finish_strip, 512, (641, 865), 8),
            scores,
            sizes,
            0,
        )
        for array in jax.tree.leaves(strip):
            assert array.dtype in (np.uint8, np.int16)
            total += strip_count * array.size * array.dtype.itemsize
    assert total <= 4e6


def test_only_the_given_tasks_are_predicted(predictor):
    out = predictor(make_image(5, 5), ('parts',))
    assert list(out) == list(out.tasks) == ['parts']
    with pytest.raises(AttributeError, match='normals.* parts$'):
        out.normals  # noqa: B018


def test_tasks_are_selected_in_the_order_of_the_network_and_unknown_tasks_are_refused(predictor):
    tasks = predictor.network.tasks
    assert select_tasks(tasks, None) == tuple(PAPER)
    assert select_tasks(tasks, ['parts', 'normals']) == ('normals', 'parts')
    assert select_tasks(tasks, 'parts') == ('parts',) and select_tasks(tasks, []) == ()
    with pytest.raises(UserError, match='depth, x.*boundaries, '):
        select_tasks(tasks, ['x', 'parts', 'depth'])
