"""Semantic boundaries: differences of the two modes, and agreement with the boundary metric."""

import numpy as np
import pytest

from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.boundary_extraction import outline_classes
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.semantic_boundaries import (
    MARGIN,
    Mode,
    SemanticBoundaryMetric,
    SemanticTruth,
)
from ubernet_jax.metrics.thinning import thin_lines

SIZE = 60  # thinning removes the corners of a square: 4 of its 156 boundary pixels
MODES = (Mode.PRE_SEAL, Mode.POST_SEAL)


def square(low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Region and inner boundary of a square."""
    region = np.zeros((SIZE, SIZE), bool)
    region[low:high, low:high] = True
    inner = np.zeros_like(region)
    inner[low + 1 : high - 1, low + 1 : high - 1] = True
    return region, region & ~inner


def truth_of(*per_class: tuple[np.ndarray, np.ndarray]) -> SemanticTruth:
    regions, boundaries = zip(*per_class, strict=True)
    return SemanticTruth(boundaries=np.stack(boundaries), regions=np.stack(regions))


ABSENT = (np.zeros((SIZE, SIZE), bool),) * 2
CAT = square(10, 50)


def scores(mode: Mode, images) -> dict[str, dict[str, float]]:
    metric = SemanticBoundaryMetric(['cat', 'dog'], mode, thresholds=9)
    for prediction, truth in images:
        metric.update(prediction, truth)
    return metric.compute().per_class


@pytest.mark.parametrize('mode', MODES)
def test_a_single_class_is_scored_like_boundaries(mode):
    rng = np.random.default_rng(0)
    strength = np.where(CAT[1], rng.random((SIZE, SIZE)), 0)
    strength[6:9, 5:-5] = rng.random((3, SIZE - 10)) * 0.5
    margin = MARGIN if mode is Mode.POST_SEAL else 0
    cut = np.s_[margin : SIZE - margin, margin : SIZE - margin]
    boundary = BoundaryMetric(thresholds=9, max_distance=0.02)
    boundary.update(strength[cut], CAT[1][cut])
    per_class = scores(mode, [(np.stack([strength, 0 * strength]), truth_of(CAT, ABSENT))])
    assert per_class['cat']['ods'] == pytest.approx(boundary.compute().ods)
    assert per_class['cat']['ap'] == pytest.approx(boundary.compute().ap)
    assert np.isnan(per_class['dog']['ods'])


def test_only_pre_seal_ignores_predictions_deep_inside_objects():
    prediction = np.zeros((2, SIZE, SIZE))
    prediction[0, CAT[1]] = 1
    outside = prediction.copy()
    prediction[0, 30, 20:40] = 1  # well inside the cat
    outside[0, 5, 20:40] = 1  # well outside
    for case, expected in ((prediction, (True, False)), (outside, (False, False))):
        perfect = tuple(
            scores(mode, [(case, truth_of(CAT, ABSENT))])['cat']['ods'] > 0.97 for mode in MODES
        )
        assert perfect == expected


def test_pre_seal_keeps_predictions_near_the_boundary():
    """The tolerance, .02 of the diagonal, is 1.7 pixels: a line 1 pixel inside still matches."""
    near = np.zeros((2, SIZE, SIZE))
    near[0, square(11, 49)[1]] = 1
    assert scores(Mode.PRE_SEAL, [(near, truth_of(CAT, ABSENT))])['cat']['ods'] > 0.95


def test_only_pre_seal_skips_images_without_the_class():
    cat = np.zeros((2, SIZE, SIZE))
    cat[0, CAT[1]] = 1
    images = [(cat, truth_of(CAT, ABSENT)), (cat, truth_of(ABSENT, CAT))]
    assert scores(Mode.PRE_SEAL, images)['cat']['ods'] == pytest.approx(1, abs=0.02)
    assert scores(Mode.POST_SEAL, images)['cat']['ods'] == pytest.approx(2 / 3, abs=0.02)
    assert scores(Mode.POST_SEAL, images)['dog']['ods'] == 0


def touching_persons() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The class map (60, 80) of two persons side by side, its outline, and those of the persons."""
    persons = np.zeros((60, 80), np.uint8)
    persons[10:50, 10:40], persons[10:50, 40:70] = 1, 2
    first, second = (
        outline_classes((persons == person).astype(np.uint8), 1).boundaries[0] for person in (1, 2)
    )
    segmentation = (persons > 0).astype(np.uint8)
    outline = outline_classes(segmentation, 1).boundaries[0]
    return segmentation, outline, thin_lines(first | second)


def test_the_line_between_touching_persons_counts_only_after_seal():
    segmentation, of_class, of_persons = touching_persons()
    classes = outline_classes(segmentation, 1)
    instances = SemanticTruth(boundaries=of_persons[None], instances=True)
    cases = [  # prediction, mode, truth, matched and all true pixels, matched and all predictions
        (of_class, Mode.PRE_SEAL, classes, [196, 196, 196, 196]),
        (of_persons, Mode.PRE_SEAL, classes, [196, 196, 196, 198]),  # the line is near at its ends
        (of_class, Mode.POST_SEAL, instances, [196, 233, 196, 196]),
        (of_persons, Mode.POST_SEAL, instances, [233, 233, 233, 233]),
        (of_persons, Mode.POST_SEAL, classes, [196, 196, 196, 233]),
    ]
    for prediction, mode, truth, counts in cases:
        metric = SemanticBoundaryMetric(['person'], mode, thresholds=3)
        measure = metric.measure(prediction[None].astype(float), truth)
        assert measure['counts'].tolist() == [[counts] * 3]


def test_pixels_inside_objects_are_dropped_after_thinning():
    """As in the original benchmark: the rest of a thick line is not thinned to its middle again."""
    segmentation, outline, _ = touching_persons()
    prediction = outline.copy()
    prediction[5:20, 30:37] = True  # a bar across the upper side, 7 pixels wide
    truth = outline_classes(segmentation, 1)
    metric = SemanticBoundaryMetric(['person'], Mode.PRE_SEAL, thresholds=3)
    counts = metric.measure(prediction[None].astype(float), truth)['counts'][0, 0]
    deep = np.zeros_like(outline)
    deep[12:48, 12:68] = True  # 3 pixels from the outline; the tolerance is 2
    assert counts[3] == (thin_lines(prediction) & ~deep).sum()
    assert counts[3] != thin_lines(prediction & ~deep).sum()


def test_pre_seal_refuses_outlines_of_instances():
    segmentation, outline, of_persons = touching_persons()
    truth = SemanticTruth(
        boundaries=of_persons[None], regions=segmentation[None] > 0, instances=True
    )
    metric = SemanticBoundaryMetric(['person'], Mode.PRE_SEAL, thresholds=3)
    with pytest.raises(MetricError, match='`cls`.*`inst`'):
        metric.update(outline[None].astype(float), truth)


def test_post_seal_leaves_out_the_border():
    cat = np.zeros((2, SIZE, SIZE))
    cat[0, CAT[1]] = 1
    cat[0, MARGIN - 1] = cat[0, :, -MARGIN] = 1
    assert scores(Mode.POST_SEAL, [(cat, truth_of(CAT, ABSENT))])['cat']['ods'] > 0.97
    assert scores(Mode.PRE_SEAL, [(cat, truth_of(CAT, ABSENT))])['cat']['ods'] < 0.8
    small = np.ones((2, 9, 60))
    nothing = SemanticTruth(boundaries=small > 0)
    metric = SemanticBoundaryMetric(['cat', 'dog'], Mode.POST_SEAL, thresholds=3)
    assert not metric.measure(small, nothing)['counts'].any()


def test_the_result_has_the_mean_over_classes_and_the_mode():
    metric = SemanticBoundaryMetric(['cat', 'dog', 'cow'], Mode.POST_SEAL, thresholds=3)
    prediction = np.zeros((3, SIZE, SIZE))
    prediction[0, CAT[1]] = 1
    metric.update(prediction, truth_of(CAT, square(20, 30), ABSENT))
    document = metric.compute().to_json()
    assert document['ods'] == pytest.approx(0.5, abs=0.01)  # cat 1, dog 0, cow left out
    assert document['per_class']['cow'] == {'ods': None, 'ap': None}
    assert document['protocol']['mode'] == 'post-SEAL'
    assert document['protocol']['max_distance'] == '0.02 of the diagonal'


def test_invalid_input_is_reported():
    metric = SemanticBoundaryMetric(['cat', 'dog'], Mode.PRE_SEAL, thresholds=3)
    good = truth_of(CAT, ABSENT)
    with pytest.raises(MetricError, match='prediction of dog.*0 to 2'):
        wrong = np.zeros((2, SIZE, SIZE))
        wrong[1] = np.eye(SIZE) * 2
        metric.update(wrong, good)
    with pytest.raises(MetricError, match=r'prediction.*\(3, 60, 60\).*C = 2'):
        metric.update(np.zeros((3, SIZE, SIZE)), good)
    with pytest.raises(MetricError, match='pre-SEAL.*`regions`'):
        metric.update(np.zeros((2, SIZE, SIZE)), SemanticTruth(boundaries=good.boundaries))
    with pytest.raises(MetricError, match='boundaries.*uint8.*bool'):
        boundaries = good.boundaries.astype(np.uint8)
        metric.update(np.zeros((2, SIZE, SIZE)), SemanticTruth(boundaries=boundaries))
    metric.update(np.zeros((2, SIZE, SIZE)), truth_of(ABSENT, ABSENT))
    with pytest.raises(MetricError, match='no image.*boundary'):
        metric.compute()
