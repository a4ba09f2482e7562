"""Panels and contact sheets."""

import numpy as np
import pytest

from ubernet_jax.labels.standard import PERSON_PARTS, STANDARD
from ubernet_jax.tasks import PAPER
from ubernet_jax.tasks.class_boundaries import ClassBoundaryMap
from ubernet_jax.visualize import Panel, contact_sheet, make_panel
from ubernet_jax.visualize.sheet import choose_columns


def test_panel_draws_predictions_and_labels_alike():
    image = np.full((2, 2, 3), 50, np.uint8)
    classes = np.array([[0, 1], [6, 6]], np.uint8)
    predicted = make_panel('body_parts', PAPER['parts'](), classes, image)
    labelled = make_panel('body parts: label', STANDARD['parts'], classes, image)
    assert (predicted.caption, labelled.caption) == ('body parts', 'body parts: label')
    np.testing.assert_array_equal(predicted.picture, labelled.picture)
    assert list(predicted.legend) == list(labelled.legend) == [PERSON_PARTS[1], PERSON_PARTS[6]]
    assert predicted.key(42) is None and labelled.key(42) is None


def test_panel_draws_predicted_semantic_boundaries_at_their_strength():
    boundaries = ClassBoundaryMap(
        classes=np.array([[1, 1]], np.uint8), strength=np.array([[0, 1]], np.float32)
    )
    task, image = PAPER['semantic_boundaries'](), np.zeros((1, 2, 3), np.uint8)
    drawn = make_panel('semantic_boundaries', task, boundaries, image)
    assert drawn.caption == 'semantic boundaries'
    np.testing.assert_array_equal(drawn.picture, [[(255, 255, 255), [128, 0, 0]]])


def _panel(colour, *, height=40, width=60, **fields):
    pixels = np.full((height, width, 3), colour, np.uint8)
    return Panel(**{'caption': 'colour', 'picture': pixels} | fields)


def _box_of(sheet, colour):
    """Returns left, top, right and bottom of the pixels of a colour."""
    rows, columns = np.nonzero((sheet == colour).all(axis=-1))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_a_contact_sheet_arranges_panels_row_by_row():
    red, green, blue = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    sheet = contact_sheet([_panel(red), _panel(green), None, _panel(blue)], columns=2, side=120)
    assert sheet.dtype == np.uint8
    first, second, third = (_box_of(sheet, colour) for colour in (red, green, blue))
    for left, top, right, bottom in (first, second, third):
        assert (right - left + 1, bottom - top + 1) == (118, 78)  # 120 x 80 without the outline
    assert first[1] == second[1] and second[0] == third[0]
    assert first[2] < second[0] and second[3] < third[1]
    below_none = sheet[third[1] :, : first[2]]
    assert (below_none == 255).all()


@pytest.mark.parametrize(
    ('count', 'rows'),
    [(1, [1]), (4, [4]), (5, [3, 2]), (6, [3, 3]), (7, [4, 3]), (9, [3, 3, 3]), (10, [5, 5])],
)
def test_the_rows_of_a_contact_sheet_are_about_equally_long(count, rows):
    colours = [(10 * number, 200, 0) for number in range(count)]
    sheet = contact_sheet([_panel(colour) for colour in colours], side=60)
    tops = [_box_of(sheet, colour)[1] for colour in colours]
    assert [tops.count(top) for top in sorted(set(tops))] == rows


def test_no_panel_is_alone_in_the_last_row():
    assert all(count % choose_columns(count) != 1 for count in range(5, 37))


def test_a_contact_sheet_has_captions_and_legends():
    red, mark = (200, 0, 0), (1, 250, 2)
    bare = contact_sheet([_panel(red, caption='')], side=200)
    captioned = contact_sheet([_panel(red)], side=200)
    explained = contact_sheet([_panel(red, legend={'dog': mark, 'cat': (9, 9, 9)})], side=200)
    assert bare.shape == captioned.shape
    assert (bare != captioned).any()
    assert explained.shape[0] > captioned.shape[0] and explained.shape[1] == captioned.shape[1]
    assert not (captioned == mark).all(axis=-1).any()
    assert _box_of(explained, mark)[1] > _box_of(explained, red)[3]


def test_long_names_widen_the_panel():
    name = 'a class with a name that is much wider than the picture'
    narrow = _panel(100, height=60, width=1, legend={name: (1, 2, 3)})
    sheet = contact_sheet([narrow], side=60)
    dark = (sheet < 128).all(axis=-1)
    assert dark.any() and not dark[:, -4:].any()


@pytest.mark.parametrize('shape', [(1, 1, 3), (1, 5000, 3), (5000, 1, 3), (600, 800, 3)])
def test_a_contact_sheet_accepts_pictures_of_any_size(shape):
    panels = [Panel(caption='odd', picture=np.zeros(shape, np.uint8))]
    sheet = contact_sheet(panels, side=160)
    assert max(sheet.shape) < 240
    assert (sheet < 255).any()


def test_a_contact_sheet_without_panels_is_refused():
    with pytest.raises(ValueError, match='panel'):
        contact_sheet([None, None])
