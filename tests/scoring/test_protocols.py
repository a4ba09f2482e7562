"""The rows of `protocols` give the scores of their sources on random predictions."""

import functools

import numpy as np
import pytest
from skimage.morphology import thin

from helpers import peer_protocols as peers
from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.nms import Nms
from ubernet_jax.scoring.presets import BENCHMARKS, find_preset
from ubernet_jax.scoring.protocols import PROTOCOLS

SHAPE = (24, 30)
IMAGES = 3  # odd: the last of the groups of two has one image
CLASSES = 6  # the last never occurs
SEISM = {
    benchmark: functools.partial(peers.boundaries, max_distance=distance, seism=True)
    for benchmark, distance in (('pascal_mt', 0.0075), ('nyud_mt', 0.011))
}
IOU = functools.partial(peers.iou, classes=CLASSES, skip_background=False, empty=0.0)
PARTS = functools.partial(peers.iou, classes=CLASSES, skip_background=True, empty=0.0)
UNIT = functools.partial(peers.normals, unit=True, batch=IMAGES)
EXPECTED = {
    'astmt': {
        'segmentation': IOU,
        'parts': PARTS,
        'saliency': peers.saliency_of_images,
        'normals': UNIT,
        'depth': peers.depth_astmt,
    },
    'mtl_pytorch': {
        'segmentation': IOU,
        'parts': PARTS,
        'saliency': peers.saliency_of_images,
        'normals': UNIT,
        'depth': peers.depth_of_pixels,
    },
    'atrc': {
        'segmentation': IOU,
        'parts': PARTS,
        'saliency': functools.partial(peers.saliency_of_pixels, sigmoid=False),
        'normals': UNIT,
        'depth': peers.depth_atrc,
    },
    'invpt': {
        'segmentation': IOU,
        'parts': PARTS,
        'saliency': functools.partial(peers.saliency_of_pixels, sigmoid=True),
        'normals': UNIT,
        'depth': peers.depth_of_pixels,
    },
    'mtlora': {
        'segmentation': IOU,
        'parts': PARTS,
        'saliency': peers.saliency_of_images,
        'normals': functools.partial(peers.normals, unit=False, batch=IMAGES),
        'depth': peers.depth_of_pixels,
    },
    'mtan': {
        'segmentation': functools.partial(
            peers.iou, classes=CLASSES, skip_background=False, empty=np.nan
        ),
        'normals': functools.partial(peers.normals, unit=False, batch=2),
        'depth': peers.depth_mtan,
    },
    'eigen': {'depth': peers.depth_eigen},
}
BOUNDARIES = {
    ('astmt', 'pascal_mt'): SEISM['pascal_mt'],
    ('astmt', 'nyud_mt'): SEISM['nyud_mt'],
    ('mtl_pytorch', 'pascal_mt'): functools.partial(
        peers.boundaries, max_distance=0.0075, seism=False
    ),
    ('atrc', 'pascal_mt'): SEISM['pascal_mt'],
    ('atrc', 'nyud_mt'): SEISM['nyud_mt'],
    ('invpt', 'pascal_mt'): SEISM['pascal_mt'],
    ('invpt', 'nyud_mt'): SEISM['nyud_mt'],
}


def random_pair(task: str, seed: int, shape: tuple[int, int] = SHAPE) -> tuple:
    """A prediction and a ground truth with unknown pixels, as the evaluators expect them."""
    rng = np.random.default_rng(seed)
    match task:
        case 'segmentation' | 'parts':
            truth = rng.integers(0, CLASSES - 1, shape)
            if seed == 1:
                truth[:] = 0  # an image of background and void only
            truth[rng.random(shape) < 0.1] = 255
            guess = rng.integers(0, CLASSES - 1, shape)
            return np.where(rng.random(shape) < 0.6, truth % 255, guess), truth
        case 'saliency':
            truth = rng.random(shape) < (0 if seed == 1 else 0.4)
            prediction = np.clip(0.3 * truth + rng.random(shape) * 0.7, 0, 1)
            # Values of 8-bit files, some of which are thresholds.
            return np.round(prediction * 255).astype(np.uint8), truth
        case 'normals':
            truth, prediction = rng.normal(size=(2, *shape, 3)).astype(np.float32)
            prediction = truth + 0.6 * prediction
            for vectors in (truth, prediction):
                vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
            truth[rng.random(shape) < 0.1] = 0
            return prediction * rng.uniform(0.8, 1, (*shape, 1)).astype(np.float32), truth
        case 'depth':
            truth = rng.uniform(0.5, 12, shape)
            prediction = truth * rng.uniform(0.6, 1.6, shape)
            truth[rng.random(shape) < 0.1] = 0
            prediction[rng.random(shape) < 0.02] = -0.5
            return prediction, truth
    raise ValueError(task)


def compute(
    protocol: str, task: str, pairs: list[tuple], benchmark: str | None = None
) -> dict[str, float]:
    """Returns the scores that the source reports."""
    preset = find_preset(protocol, task, benchmark, CLASSES)
    metric = preset.make_metric(tuple(map(str, range(CLASSES))))
    for prediction, truth in pairs:
        metric.update(prediction, truth)
    result = preset.report(metric.compute())
    return {score.name: value for score, value in result.scores().items()}


@pytest.mark.parametrize(
    ('protocol', 'task'), [(protocol, task) for protocol in EXPECTED for task in EXPECTED[protocol]]
)
def test_a_row_gives_the_scores_of_a_plain_transcription(protocol, task):
    shape = (480, 640) if protocol == 'eigen' else SHAPE
    pairs = [random_pair(task, seed, shape) for seed in range(IMAGES)]
    scores = compute(protocol, task, pairs)
    predictions, truths = zip(*pairs, strict=True)
    if task == 'saliency':
        predictions = [prediction / 255 for prediction in predictions]
    expected = EXPECTED[protocol][task](predictions, truths)
    assert [*scores] == [*PROTOCOLS[protocol].rows[task].scores]
    for name, value in scores.items():
        assert value == pytest.approx(expected[name], rel=1e-6, abs=1e-6, nan_ok=True), name


def test_every_row_has_a_transcription():
    rows = {name: {*protocol.rows} - {'boundaries'} for name, protocol in PROTOCOLS.items()}
    assert rows == {name: {*tasks} for name, tasks in EXPECTED.items()}
    scored = {
        (name, benchmark)
        for name, protocol in PROTOCOLS.items()
        if 'boundaries' in protocol.rows
        for benchmark in protocol.rows['boundaries'].by_benchmark
    }
    assert scored == {*BOUNDARIES}


def random_boundaries(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A soft 8-bit map and thin lines, (90, 120): the tolerances are 1.1 and 1.65 pixels."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((90, 120), bool)
    truth[20 + 10 * seed, 10:100] = truth[10:80, 40] = True
    strength = rng.random(truth.shape) ** 8 * 0.5
    for shift in (-1, 0, 1):
        strength += np.roll(truth, shift + seed % 2, 0) * rng.uniform(0.1, 0.3, truth.shape)
    return np.round(np.clip(strength, 0, 1) * 255).astype(np.uint8), thin(truth)


@pytest.mark.parametrize(('protocol', 'benchmark'), [('atrc', 'nyud_mt'), ('invpt', 'pascal_mt'),
                                                     ('mtl_pytorch', 'pascal_mt')])  # fmt: skip
def test_boundaries_give_the_scores_of_dense_assignments(protocol, benchmark):
    pairs = [random_boundaries(seed) for seed in range(2)]
    scores = compute(protocol, 'boundaries', pairs, benchmark)
    expected = BOUNDARIES[protocol, benchmark](*zip(*pairs, strict=True))
    assert scores == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('protocol', ['astmt', 'atrc', 'invpt'])
@pytest.mark.parametrize(('benchmark', 'distance'), [('pascal_mt', 0.0075), ('nyud_mt', 0.011)])
def test_the_protocols_of_seism_have_its_settings(protocol, benchmark, distance):
    metric = find_preset(protocol, 'boundaries', benchmark, 0).make_metric(())
    assert isinstance(metric, BoundaryMetric)
    assert (metric.max_distance, metric.nms, metric.strict) == (distance, Nms.UNSMOOTHED, True)
    assert metric.thresholds.tolist() == [0.001, *(k / 100 for k in range(1, 100)), 0.999]


def test_the_second_sigmoid_leaves_four_thresholds_that_tell_predictions_apart():
    definition = PROTOCOLS['invpt'].rows['saliency'].settings['definition']
    between = [t for t in definition.thresholds if 0.5 < t < 1 / (1 + np.exp(-1))]
    assert between == [0.55, 0.6, 0.65, 0.7]


def test_a_map_smaller_than_the_crop_is_refused():
    with pytest.raises(MetricError, match=r'\(24, 30\).*45:471'):
        compute('eigen', 'depth', [random_pair('depth', 0)])


def test_benchmarks_have_names():
    assert {*BENCHMARKS} == {'pascal_mt', 'nyud_mt', 'nyuv2_mtan', 'nyudv2'}


def test_each_preset_has_a_single_main_score():
    for protocol, whole in PROTOCOLS.items():
        for task, row in whole.rows.items():
            benchmark = next(iter(row.by_benchmark), None)
            preset = find_preset(protocol, task, benchmark, CLASSES)
            metric = preset.make_metric(tuple(map(str, range(CLASSES))))
            shape = (480, 640) if protocol == 'eigen' else SHAPE
            pair = random_boundaries(0) if task == 'boundaries' else random_pair(task, 0, shape)
            metric.update(*pair)
            main = [score.name for score in preset.report(metric.compute()).scores() if score.main]
            assert main == [row.scores[0]], (protocol, task)
