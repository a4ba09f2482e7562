"""Colours that everyone in the field would expect, pixel by pixel."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.structs import Boxes, Detections, Predictions
from ubernet_jax.tasks import PERSON_PARTS, TASKS, VOID, with_classes
from ubernet_jax.visualize import Panel, Style, contact_sheet, legend, panel, picture
from ubernet_jax.visualize.ball import draw_ball
from ubernet_jax.visualize.palette import PALETTE
from ubernet_jax.visualize.pictures import BAND

BEIGE = (224, 224, 192)  # VOC's colour of void
WHITE = (255, 255, 255)


def test_palette_is_that_of_pascal_voc():
    assert PALETTE.shape == (256, 3)
    published = {
        0: (0, 0, 0),
        1: (128, 0, 0),  # aeroplane
        2: (0, 128, 0),  # bicycle
        3: (128, 128, 0),  # bird
        4: (0, 0, 128),  # boat
        8: (64, 0, 0),  # cat
        15: (192, 128, 128),  # person
        20: (0, 64, 128),  # tvmonitor
        VOID: BEIGE,
    }
    for index, colour in published.items():
        assert tuple(PALETTE[index]) == colour


def test_normals_as_rgb():
    normals = np.array([[[0, 0, 1], [1, 0, 0], [0, -1, 0], [0, 0, 0]]], np.float32)
    np.testing.assert_array_equal(
        picture(TASKS['normals'], normals),
        [[[128, 128, 255], [255, 128, 128], [128, 0, 128], [128, 128, 128]]],
    )


@pytest.mark.parametrize(
    ('name', 'expected'), [('boundaries', [255, 191, 0]), ('saliency', [0, 64, 255])]
)
def test_boundaries_are_dark_on_light_and_saliency_light_on_dark(name, expected):
    probability = np.array([[0, 0.25, 1]], np.float32)
    share = np.array([[0, 64, 255]], np.uint8)
    drawn = picture(TASKS[name], probability)
    np.testing.assert_array_equal(drawn, np.repeat([expected], 3, axis=0).T[np.newaxis])
    np.testing.assert_array_equal(drawn, picture(TASKS[name], share))


def test_classes_plain_and_over_the_image():
    classes = np.array([[0, 15, VOID]], np.uint8)
    plain = picture(TASKS['segmentation'], classes)
    np.testing.assert_array_equal(plain, [[[0, 0, 0], [192, 128, 128], BEIGE]])
    image = np.full((1, 3, 3), 100, np.uint8)
    over = picture(TASKS['segmentation'], classes, image=image)
    # 0.65 of the class colour and 0.35 of the photograph; the background is the photograph.
    np.testing.assert_array_equal(over, [[[100] * 3, [160, 118, 118], [181, 181, 160]]])


def test_semantic_boundaries_are_class_colours_on_white():
    task = TASKS['semantic_boundaries']
    label = np.array([[0, 15, VOID]], np.uint8)
    np.testing.assert_array_equal(picture(task, label), [[WHITE, [192, 128, 128], BEIGE]])
    classes = np.array([[15, 15, 1]], np.uint8)
    strength = np.array([[0, 1, 0.5]], np.float32)
    np.testing.assert_array_equal(
        picture(task, classes, strength=strength), [[WHITE, [192, 128, 128], [192, 128, 128]]]
    )


def test_bands_join_without_a_seam():
    """A picture larger than a band equals its rows drawn one at a time."""
    width = 512
    height = BAND // width + 3
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 21, (height, width), np.uint8)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    task = TASKS['segmentation']
    whole = picture(task, classes, image=image)
    for row in (0, height - 4, height - 3, height - 1):
        only = slice(row, row + 1)
        np.testing.assert_array_equal(whole[only], picture(task, classes[only], image=image[only]))


def test_normals_come_with_a_ball():
    ball = draw_ball(101)
    assert (ball.dtype, ball.shape) == (np.uint8, (101, 101, 3))
    assert tuple(ball[50, 50]) == (128, 128, 255)  # towards the camera
    assert tuple(ball[50, 100]) == (255, 128, 128) and tuple(ball[50, 0]) == (0, 128, 128)  # sides
    assert tuple(ball[0, 50]) == (128, 255, 128) and tuple(ball[100, 50]) == (128, 0, 128)  # top
    assert tuple(ball[0, 0]) == WHITE
    image = np.full((60, 90, 3), 50, np.uint8)
    normals = np.zeros((60, 90, 3), np.float32)
    drawn = panel(TASKS['normals'], {'normals': normals}, image)
    sheet = contact_sheet([drawn], side=90)
    bare = contact_sheet([dataclasses.replace(drawn, ball=False)], side=90)
    assert sheet.shape[0] > bare.shape[0] and sheet.shape[1] == bare.shape[1]
    small = draw_ball(42)
    below = sheet[-len(small) - 20 :]
    assert any((below[y : y + 42, 8:50] == small).all() for y in range(20))


def test_boundaries_become_lines_of_a_thickness():
    """A soft ridge along a column is drawn as a line, the class of the stronger one above."""
    column = np.exp(-0.5 * ((np.arange(41) - 20) / 3) ** 2).astype(np.float32)
    ridge = np.tile(column, (41, 1))
    for thickness in (1, 3, 5):
        drawn = picture(TASKS['boundaries'], ridge, style=Style(thickness=thickness))
        dark = (drawn[20, :, 0] < 64).nonzero()[0]
        half = thickness // 2
        assert dark.tolist() == list(range(20 - half, 21 + half))
    classes = np.where(np.arange(41) < 20, 1, 2).astype(np.uint8) * np.ones((41, 1), np.uint8)
    style = Style(thickness=3)
    drawn = picture(TASKS['semantic_boundaries'], classes, strength=ridge, style=style)
    assert np.abs(drawn[20, 19:22].astype(int) - PALETTE[2]).max() < 30
    assert (drawn[20, :10] == 255).all()
    # Labels are lines already.
    label = np.zeros((9, 9), np.uint8)
    label[4] = 255
    np.testing.assert_array_equal(
        picture(TASKS['boundaries'], label, style=style), picture(TASKS['boundaries'], label)
    )


def test_boxes_are_drawn_from_the_score_of_the_style_on():
    task, image = TASKS['detection'], np.full((50, 50, 3), 50, np.uint8)
    found = Detections(
        corners=np.array([[5, 5, 40, 40]], np.float32),
        classes=np.array([3], np.uint8),
        scores=np.array([0.2], np.float32),
    )
    assert (picture(task, found, image=image) == image).all()
    assert (picture(task, found, image=image, style=Style(score=0.1)) != image).any()


def test_the_opacity_of_classes_is_the_styles():
    image = np.full((1, 1, 3), 100, np.uint8)
    classes = np.array([[15]], np.uint8)
    task = TASKS['parts']
    for opacity, expected in ((0.0, [100, 100, 100]), (1.0, PALETTE[15])):
        drawn = picture(task, classes, image=image, style=Style(opacity=opacity))
        np.testing.assert_array_equal(drawn[0, 0], expected)


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r'segmentation.*\(2, 3\).*\(3, 2\)'):
        picture(
            TASKS['segmentation'],
            np.zeros((2, 3), np.uint8),
            image=np.zeros((3, 2, 3), np.uint8),
        )


def test_legend_holds_the_classes_present_and_no_others():
    classes = np.array([[0, 15, VOID, 2]], np.uint8)
    drawn = legend(TASKS['segmentation'], classes)
    assert list(drawn.items()) == [
        ('bicycle', (0, 128, 0)),
        ('person', (192, 128, 128)),
        ('void', BEIGE),
    ]
    assert legend(TASKS['saliency'], classes) == {}
    renamed = with_classes(TASKS['parts'], ('background', 'hat', 'shoe'))
    assert legend(renamed, np.array([[2]], np.uint8)) == {'shoe': (0, 128, 0)}


def test_legend_leaves_out_stray_pixels():
    classes = np.ones((50, 50), np.uint8)
    classes[0, :2] = 2
    classes[1, :3] = 3
    assert list(legend(TASKS['segmentation'], classes)) == ['aeroplane', 'bird']


def test_legend_leaves_out_faint_boundaries():
    classes = np.array([[1, 2]], np.uint8)
    strength = np.array([[0.1, 0.9]], np.float32)
    drawn = legend(TASKS['semantic_boundaries'], classes, strength=strength)
    assert list(drawn) == ['bicycle']


def test_panel_draws_predictions_and_labels_alike():
    image = np.full((2, 2, 3), 50, np.uint8)
    classes = np.array([[0, 1], [6, 6]], np.uint8)
    predicted = panel(TASKS['parts'], Predictions(parts=classes), image)
    labelled = panel(TASKS['parts'], {'parts': classes}, image, note='label')
    assert (predicted.caption, labelled.caption) == ('parts', 'parts (label)')
    np.testing.assert_array_equal(predicted.picture, labelled.picture)
    assert list(predicted.legend) == list(labelled.legend) == [PERSON_PARTS[1], PERSON_PARTS[6]]
    assert panel(TASKS['normals'], Predictions(parts=classes), image) is None
    assert panel(TASKS['normals'], {'parts': classes}, image) is None


def test_panel_draws_predicted_semantic_boundaries_at_their_strength():
    predictions = Predictions(
        semantic_boundaries=np.array([[1, 1]], np.uint8),
        semantic_boundary_strength=np.array([[0, 1]], np.float32),
    )
    drawn = panel(TASKS['semantic_boundaries'], predictions, np.zeros((1, 2, 3), np.uint8))
    assert drawn.caption == 'semantic boundaries'
    np.testing.assert_array_equal(drawn.picture, [[WHITE, [128, 0, 0]]])


def _panel(colour, *, height=40, width=60, **written):
    pixels = np.full((height, width, 3), colour, np.uint8)
    return Panel(**{'caption': 'colour', 'picture': pixels} | written)


def _box_of(sheet, colour):
    """Left, top, right, bottom of the pixels of a colour."""
    rows, columns = np.nonzero((sheet == colour).all(axis=-1))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_contact_sheet_lays_panels_out_row_by_row():
    red, green, blue = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    sheet = contact_sheet([_panel(red), _panel(green), None, _panel(blue)], columns=2, side=120)
    assert sheet.dtype == np.uint8
    first, second, third = (_box_of(sheet, colour) for colour in (red, green, blue))
    for left, top, right, bottom in (first, second, third):
        assert (right - left + 1, bottom - top + 1) == (118, 78)  # 120 x 80 less the outline
    assert first[1] == second[1] and second[0] == third[0]
    assert first[2] < second[0] and second[3] < third[1]
    below_none = sheet[third[1] :, : first[2]]
    assert (below_none == 255).all()


def test_contact_sheet_writes_the_caption_and_the_legend():
    red, mark = (200, 0, 0), (1, 250, 2)
    bare = contact_sheet([_panel(red, caption='')], side=200)
    captioned = contact_sheet([_panel(red)], side=200)
    explained = contact_sheet([_panel(red, legend={'dog': mark, 'cat': (9, 9, 9)})], side=200)
    assert bare.shape == captioned.shape
    assert (bare != captioned).any()
    assert explained.shape[0] > captioned.shape[0] and explained.shape[1] == captioned.shape[1]
    assert not (captioned == mark).all(axis=-1).any()
    assert _box_of(explained, mark)[1] > _box_of(explained, red)[3]


def test_long_words_widen_the_panel_and_are_never_cut():
    name = 'a class with a name much longer than its picture is wide'
    narrow = _panel(100, height=60, width=1, legend={name: (1, 2, 3)})
    sheet = contact_sheet([narrow], side=60)
    dark = (sheet < 128).all(axis=-1)
    assert dark.any() and not dark[:, -4:].any()


@pytest.mark.parametrize('shape', [(1, 1, 3), (1, 5000, 3), (5000, 1, 3), (600, 800, 3)])
def test_contact_sheet_takes_pictures_of_any_size(shape):
    panels = [Panel(caption='odd', picture=np.zeros(shape, np.uint8))]
    sheet = contact_sheet(panels, side=160)
    assert max(sheet.shape) < 240
    assert (sheet < 255).any()


def test_contact_sheet_of_nothing():
    with pytest.raises(ValueError, match='at least one panel'):
        contact_sheet([None, None])


def test_boxes_are_drawn_with_names_over_the_photograph():
    task = TASKS['detection']
    image = np.full((100, 150, 3), 50, np.uint8)
    corners = np.array([[20, 40, 120, 90], [0, 0, 150, 100]], np.float32)
    classes = np.array([15, 8], np.uint8)
    found = Detections(corners=corners, classes=classes, scores=np.array([0.9, 0.1], np.float32))
    drawn = picture(task, found, image=image)
    colours = [PALETTE[index] for index in (15, 8)]
    person, cat = ((drawn == colour).all(-1) for colour in colours)
    assert person[40:90, 20].all() and person[89, 20:120].all() and person[40:90, 119].all()
    assert not cat.any()  # too faint
    assert (drawn[92:] == 50).all()
    labels = Boxes(corners=corners, classes=classes, difficult=np.zeros(2, bool))
    labelled = picture(task, labels, image=image)
    assert (labelled[99] == colours[1]).all()
    assert legend(task, found) == {}
    assert image.max() == 50


def test_boxes_are_seen_on_things_of_their_own_colour():
    image = np.full((100, 150, 3), PALETTE[15], np.uint8)
    found = Detections(
        corners=np.array([[20, 40, 120, 90]], np.float32),
        classes=np.array([15], np.uint8),
        scores=np.array([0.9], np.float32),
    )
    drawn = picture(TASKS['detection'], found, image=image)
    for column in (19, 21):  # the line itself is between
        assert (drawn[60:88, column] == 0).all()
    assert (drawn[60:88, 20] == PALETTE[15]).all()


def test_names_of_boxes_at_the_border_are_not_cut():
    image = np.full((100, 150, 3), 50, np.uint8)
    found = Detections(
        corners=np.array([[140, 95, 150, 100]], np.float32),
        classes=np.array([18], np.uint8),
        scores=np.array([0.9], np.float32),
    )
    drawn = picture(TASKS['detection'], found, image=image)
    rows, columns = (drawn != image).any(-1).nonzero()
    assert rows.min() < 90 and columns.min() < 115  # room for `sofa 0.90`
    # A box that has the room carries the same name.
    found.corners[:] = [[20, 20, 30, 25]]
    free = picture(TASKS['detection'], found, image=image)[20:, 20:]
    assert ((free == 255).all(-1)).sum() == ((drawn == 255).all(-1)).sum()


def test_real_segmentation_mask(data_root):
    """The palette that the VOC files themselves carry is the one drawn here."""
    folder = data_root / 'VOCdevkit' / 'VOC2012' / 'SegmentationClassAug'
    with Image.open(next(iter(sorted(folder.glob('*.png'))))) as mask:
        theirs = np.asarray(mask.convert('RGB'))
        ours = picture(TASKS['segmentation'], np.asarray(mask))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize('wrong', [{'opacity': 1.5}, {'score': -0.1}, {'thickness': -1}])
def test_a_style_out_of_range_is_refused(wrong):
    with pytest.raises(UserError, match=f'{next(iter(wrong))} is .*, but must be 0'):
        Style(**wrong)
