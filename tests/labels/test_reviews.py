"""Reviews of the values of a dataset's labels: sums of surveys, errors, notes."""

import functools
import json
from typing import Any

import numpy as np
import pytest

from helpers.examples import make_boxes
from ubernet_jax.datasets.builders.split_metadata import review_labels
from ubernet_jax.labels import (
    VOID,
    Boxes,
    ClassLines,
    ClassMap,
    LabelKind,
    Lines,
    Review,
    SoftMask,
    UnitVectors,
)
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.review import add_surveys

CLASSES = ('background', 'crop', 'weed', 'stone')


def review(kind: LabelKind, *labels: Any) -> Review:
    """Reviews the labels of a dataset; surveys are converted to JSON and back in between."""
    surveys = [json.loads(json.dumps(kind.survey(label))) for label in labels]
    return kind.review(functools.reduce(add_surveys, surveys))


def values(*row: int) -> np.ndarray:
    return np.array([row], np.uint8)


@pytest.mark.parametrize('kind', [ClassMap(classes=CLASSES), ClassLines(classes=CLASSES)])
@pytest.mark.parametrize(
    ('labels', 'note', 'void', 'span'),
    [
        ([values(0, 1, 2, 3)], None, 0, '0-3'),
        ([values(3, 2), values(1, VOID)], None, 0.25, '1-3'),
        ([values(0, 1, 2)], '(1): stone', 0, '0-2'),
        ([values(0, 3)], '(2): crop, weed', 0, '0-3'),
        ([values(0, 0)], 'except the first', 0, '0-0'),
        ([values(VOID, VOID)], 'except the first', 1, ''),
        ([values(1)], '(2): weed, stone', 0, '1-1'),
    ],
)
def test_class_indices(kind, labels, note, void, span):
    result = review(kind, *labels)
    assert result.errors == () and (result.void, result.values) == (void, span)
    assert [note in text for text in result.notes] == ([True] if note else [])


@pytest.mark.parametrize('kind', [ClassMap(classes=CLASSES), ClassLines(classes=CLASSES)])
def test_a_mask_instead_of_class_indices(kind):
    """The whole dataset has only background and 255, which means unknown."""
    (error,) = review(kind, values(0, 0), values(0, VOID)).errors
    assert '0 and 255' in error and 'soft_mask' in error and 'class index 1' in error
    assert review(kind, values(0, VOID), values(1)).errors == ()


def test_at_most_five_classes_without_pixels_are_named():
    kind = ClassMap(classes=tuple('abcdefgh'))
    (note,) = review(kind, values(0, 7)).notes
    assert note.endswith('(6): b, c, d, e, f, ...')
    (note,) = review(kind, values(0, 6, 7)).notes
    assert note.endswith('(5): b, c, d, e, f')


@pytest.mark.parametrize('kind', [SoftMask(), Lines()])
@pytest.mark.parametrize(
    ('labels', 'error', 'note', 'span'),
    [
        ([values(0, 255)], None, None, '0-255'),
        ([values(3), values(128)], None, None, '3-128'),
        ([values(0, 127)], None, 'above 127', '0-127'),
        ([values(0, 0)], None, 'above 127', '0-0'),
        ([values(0, 1), values(0, 0)], 'above 1', None, '0-1'),
        ([values(1, 1)], 'above 1', None, '1-1'),
        ([values(0, 1), values(200)], None, None, '0-200'),
    ],
)
def test_strengths(kind, labels, error, note, span):
    maps = [LineMap(share=label) if kind == Lines() else label for label in labels]
    result = review(kind, *maps)
    assert (result.void, result.values) == (None, span)
    assert [error in text for text in result.errors] == ([True] if error else [])
    assert [note in text for text in result.notes] == ([True] if note else [])


def test_what_is_odd_about_a_single_split_is_noted():
    kind = ClassMap(classes=CLASSES)
    splits = {
        'train': values(0, 1, 2, 3),
        'val': values(VOID, VOID),
        'test': values(0, VOID),
    }
    metadata = {split: {'surveys': {'weeds': kind.survey(m)}} for split, m in splits.items()}
    result = review_labels({'weeds': kind}, metadata)['weeds']
    assert result.errors == () and [note.split(':')[0] for note in result.notes] == ['val', 'test']
    assert '0 and 255' in result.notes[1]


def facing(*direction: float, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    vector = np.array(direction) / np.linalg.norm(direction)
    return np.tile(vector.astype(np.float32), (*shape, 1))


def test_vectors_towards_the_camera():
    unknown = facing(0, 0, 1)
    unknown[:5] = 0
    result = review(UnitVectors(), facing(0, 0, 1), facing(0.5, 0.5, 1), unknown)
    assert (result.errors, result.notes, result.values) == ((), (), '')
    assert result.void == pytest.approx(5 / 60)


@pytest.mark.parametrize('wrong', [facing(0, 0, -1), facing(0.3, -0.3, -1)])
def test_vectors_away_from_the_camera(wrong):
    (error,) = review(UnitVectors(), wrong, wrong).errors
    assert '100%' in error and 'away from the camera' in error


def test_vectors_are_reviewed_over_the_whole_dataset():
    towards, away = facing(0, 0, 1), facing(0, 0, -1)
    assert review(UnitVectors(), away, towards).errors == ()  # up to half may point away
    (error,) = review(UnitVectors(), away, away, towards).errors
    assert '67%' in error


def test_a_single_vector_is_counted():
    """Although the direction is checked on a sample of the pixels only."""
    few = np.zeros((20, 30, 3), np.float32)
    few[1, 1] = 0, 0, 1
    result = review(UnitVectors(), few)
    assert result.notes == () and result.void == pytest.approx(1 - 1 / 600)
    assert len(review(UnitVectors(), np.zeros_like(few)).notes) == 1


def test_boxes():
    kind = Boxes(classes=CLASSES)
    boxes = make_boxes((0, 0, 1, 1, 1, True), (0, 0, 1, 1, 3, False), (0, 0, 2, 1, 3, False))
    result = review(kind, boxes, make_boxes(), make_boxes((0, 0, 1, 1, 2, False)))
    assert (result.errors, result.notes, result.void, result.values) == ((), (), 0.25, '1-3')
    result = review(kind, make_boxes(), make_boxes())
    assert (len(result.notes), result.void, result.values) == (1, 0, '')
