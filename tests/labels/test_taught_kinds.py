"""Labels with scores: their transforms move the scores with the labels."""

import numpy as np
import pytest

from helpers.examples import assert_same_label
from ubernet_jax.labels.kind import VOID
from ubernet_jax.labels.taught_boxes import ScoredBoxSet, TaughtBoxes
from ubernet_jax.labels.taught_classes import ScoredClasses, TaughtClassLines, TaughtClassMap
from ubernet_jax.transforms.grids import Rotation, Scaling
from ubernet_jax.visualize.style import DEFAULT_STYLE

CLASSES = ('none', 'cup', 'plate')
LINES = ScoredClasses(classes=np.uint8([[0, 1, 0, 0]]), scores=np.uint8([[0, 255, 0, 0]]))


@pytest.mark.parametrize('kind', [TaughtClassMap(classes=CLASSES), TaughtClassLines()])
def test_scores_move_with_their_pixels(kind):
    label = ScoredClasses(classes=np.uint8([[0, 1, 2]]), scores=np.uint8([[0, 100, 200]]))
    for moved, classes in (
        (kind.flip(label, 3), [[2, 1, 0]]),
        (kind.crop(label, (slice(0, 1), slice(1, 3))), [[1, 2]]),
        (kind.resize(label, Scaling((1, 3), (1, 6))), None),
        (kind.rotate(label, Rotation((1, 3), 90)), [[2], [1], [0]]),
    ):
        assert classes is None or moved.classes.tolist() == classes
        np.testing.assert_array_equal(moved.scores, 100 * moved.classes)
    assert_same_label(kind, kind.unpack(kind.pack(label)), label)
    assert kind.check(label, (1, 3)) == [] and '(1, 3' in kind.check(label, (2, 3))[0]


def test_a_line_is_not_lost_when_it_is_scaled_down():
    half = Scaling((1, 4), (1, 2))
    scaled = [TaughtClassLines().resize(LINES, half), TaughtClassLines().flip(LINES, 4)]
    scaled[1] = TaughtClassLines().resize(scaled[1], half)
    assert all(label.scores.max() == 255 and label.classes.max() == 1 for label in scaled)


def test_improbable_classes_are_drawn_as_void():
    kind, image = TaughtClassMap(classes=CLASSES), np.zeros((1, 3, 3), np.uint8)
    label = ScoredClasses(classes=np.uint8([[1, 1, 2]]), scores=np.uint8([[255, 100, 128]]))
    drawn = ScoredClasses(classes=np.uint8([[1, VOID, 2]]), scores=np.uint8([[255, 255, 255]]))
    np.testing.assert_array_equal(
        kind.draw(label, image, DEFAULT_STYLE), kind.draw(drawn, image, DEFAULT_STYLE)
    )
    assert set(kind.legend(label)) == {'cup', 'plate', 'void'}


def test_boxes_keep_their_scores_in_a_crop():
    label = ScoredBoxSet(
        corners=np.float32([[0, 0, 4, 4], [6, 0, 10, 4]]),
        classes=np.uint8([1, 2]),
        difficult=np.zeros(2, bool),
        scores=np.float32([0.9, 0.4]),
    )
    kind = TaughtBoxes(classes=CLASSES)
    cropped = kind.crop(kind.flip(label, 10), (slice(0, 4), slice(0, 5)))
    assert cropped.scores.tolist() == pytest.approx([0.4])
    assert cropped.corners.tolist() == [[0, 0, 4, 4]]
    assert_same_label(kind, kind.unpack(kind.pack(label)), label)
