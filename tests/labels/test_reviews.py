"""What the values of all labels of a set say: counts that add up, errors, notes."""

import functools
import json
from typing import Any

import numpy as np
import pytest

from helpers.tiny_datasets import make_boxes
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
from ubernet_jax.labels.kind import add_surveys
from ubernet_jax.labels.lines import LineMap

CLASSES = ('background', 'crop', 'weed', 'stone')


def review(kind: LabelKind, *found: Any) -> Review:
    """Of a set's labels; surveys are kept as JSON in between."""
    surveys = [json.loads(json.dumps(kind.survey(label))) for label in found]
    return kind.review(functools.reduce(add_surveys, surveys))


def values(*found: int) -> np.ndarray:
    return np.array([found], np.uint8)


@pytest.mark.parametrize('kind', [ClassMap(classes=CLASSES), ClassLines(classes=CLASSES)])
@pytest.mark.parametrize(
    ('found', 'note', 'void', 'span'),
    [
        ([values(0, 1, 2, 3)], None, 0, '0-3'),
        ([values(3, 2), values(1, VOID)], None, 0.25, '1-3'),
        ([values(0, 1, 2)], 'classes without a pixel (1): stone', 0, '0-2'),
        ([values(0, 3)], 'classes without a pixel (2): crop, weed', 0, '0-3'),
        ([values(0, 0)], 'no pixel of any class but the first', 0, '0-0'),
        ([values(VOID, VOID)], 'no pixel of any class but the first', 1, ''),
        ([values(1)], 'classes without a pixel (2): weed, stone', 0, '1-1'),
    ],
)
def test_class_indices(kind, found, note, void, span):
    said = review(kind, *found)
    assert said.errors == () and (said.void, said.values) == (void, span)
    assert [note in one for one in said.notes] == ([True] if note else [])


@pytest.mark.parametrize('kind', [ClassMap(classes=CLASSES), ClassLines(classes=CLASSES)])
def test_a_mask_in_the_place_of_class_indices(kind):
    """255 is not known, and there is nothing else but background, in the whole set."""
    (error,) = review(kind, values(0, 0), values(0, VOID)).errors
    assert error.startswith('the labels have no value but 0 and 255')
    assert 'of kind soft_mask, or has the class index 1' in error
    assert review(kind, values(0, VOID), values(1)).errors == ()


def test_many_classes_without_a_pixel_are_not_all_named():
    kind = ClassMap(classes=tuple('abcdefgh'))
    assert review(kind, values(0, 7)).notes == ('classes without a pixel (6): b, c, d, e, f, ...',)
    assert review(kind, values(0, 6, 7)).notes == ('classes without a pixel (5): b, c, d, e, f',)


@pytest.mark.parametrize('kind', [SoftMask(), Lines()])
@pytest.mark.parametrize(
    ('found', 'error', 'note', 'span'),
    [
        ([values(0, 255)], None, None, '0-255'),
        ([values(3), values(128)], None, None, '3-128'),
        ([values(0, 127)], None, 'no pixel is above 127', '0-127'),
        ([values(0, 0)], None, 'no pixel is above 127', '0-0'),
        ([values(0, 1), values(0, 0)], 'no value is above 1', None, '0-1'),
        ([values(1, 1)], 'no value is above 1', None, '1-1'),
        ([values(0, 1), values(200)], None, None, '0-200'),
    ],
)
def test_strengths(kind, found, error, note, span):
    said = review(kind, *(LineMap(share=own) if kind == Lines() else own for own in found))
    assert (said.void, said.values) == (None, span)
    assert [error in one for one in said.errors] == ([True] if error else [])
    assert [note in one for one in said.notes] == ([True] if note else [])


def facing(*direction: float, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    vector = np.array(direction) / np.linalg.norm(direction)
    return np.tile(vector.astype(np.float32), (*shape, 1))


def test_vectors_towards_the_camera():
    unknown = facing(0, 0, 1)
    unknown[:5] = 0
    said = review(UnitVectors(), facing(0, 0, 1), facing(0.5, 0.5, 1), unknown)
    assert (said.errors, said.notes, said.values) == ((), (), '')
    assert said.void == pytest.approx(5 / 60)


@pytest.mark.parametrize('wrong', [facing(0, 0, -1), facing(0.3, -0.3, -1)])
def test_vectors_away_from_the_camera(wrong):
    (error,) = review(UnitVectors(), wrong, wrong).errors
    assert error.startswith('100% of the vectors point away from the camera')
    assert 'x points right, y up, z towards the camera' in error


def test_vectors_are_judged_over_the_whole_set():
    towards, away = facing(0, 0, 1), facing(0, 0, -1)
    assert review(UnitVectors(), away, towards).errors == ()  # half may
    (error,) = review(UnitVectors(), away, away, towards).errors
    assert error.startswith('67% of the vectors')


def test_vectors_that_are_few_are_vectors():
    """Though not every pixel is looked at to see where they point."""
    few = np.zeros((20, 30, 3), np.float32)
    few[1, 1] = 0, 0, 1
    said = review(UnitVectors(), few)
    assert said.notes == () and said.void == pytest.approx(1 - 1 / 600)
    assert review(UnitVectors(), np.zeros_like(few)).notes == ('no pixel has a vector',)


def test_boxes():
    kind = Boxes(classes=CLASSES)
    some = make_boxes((0, 0, 1, 1, 1, True), (0, 0, 1, 1, 3, False), (0, 0, 2, 1, 3, False))
    said = review(kind, some, make_boxes(), make_boxes((0, 0, 1, 1, 2, False)))
    assert (said.errors, said.notes, said.void, said.values) == ((), (), 0.25, '1-3')
    said = review(kind, make_boxes(), make_boxes())
    assert (said.notes, said.void, said.values) == (('no image has a box',), 0, '')
