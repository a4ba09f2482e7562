"""Pictures of labels and results, compared with the conventions of the field pixel by pixel."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from helpers.examples import make_boxes
from ubernet_jax.errors import UserError
from ubernet_jax.labels import VOID, ClassMap, LabelKind
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import STANDARD, VOC_CLASSES
from ubernet_jax.tasks import PAPER, Task
from ubernet_jax.tasks.class_boundaries import ClassBoundaryMap
from ubernet_jax.tasks.detections import Detections
from ubernet_jax.visualize import Style, contact_sheet, drawing, make_panel
from ubernet_jax.visualize.drawing import BAND
from ubernet_jax.visualize.normal_sphere import draw_normal_key, draw_normal_sphere
from ubernet_jax.visualize.palette import NOTE, SAFE_PALETTE, VOC_PALETTE
from ubernet_jax.visualize.style import DEFAULT_STYLE

BEIGE = (224, 224, 192)  # VOC's colour of void
WHITE = (255, 255, 255)
SAFE = Style(opacity=1, safe_colours=True)


def draw(
    painter: LabelKind | Task,
    value: object,
    image: np.ndarray | None = None,
    style: Style = DEFAULT_STYLE,
) -> np.ndarray:
    drawn = painter.draw(value, image, style)
    assert drawn.dtype == np.uint8
    return drawn


def make_detections(corners: list, classes: list[int], scores: list[float]) -> Detections:
    return Detections(
        corners=np.array(corners, np.float32),
        classes=np.array(classes, np.uint8),
        scores=np.array(scores, np.float32),
        names=VOC_CLASSES,
    )


def test_the_palette_of_pascal_voc():
    assert VOC_PALETTE.shape == (256, 3)
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
        assert tuple(VOC_PALETTE[index]) == colour


def test_normals_as_rgb():
    normals = np.array([[[0, 0, 1], [1, 0, 0], [0, -1, 0], [0, 0, 0]]], np.float32)
    np.testing.assert_array_equal(
        draw(STANDARD['normals'], normals),
        [[[128, 128, 255], [255, 128, 128], [128, 0, 128], [128, 128, 128]]],
    )


@pytest.mark.parametrize(
    ('name', 'expected'), [('boundaries', [255, 191, 0]), ('saliency', [0, 64, 255])]
)
def test_boundaries_are_dark_on_light_and_saliency_light_on_dark(name, expected):
    probability = np.array([[0, 0.25, 1]], np.float32)
    share = np.array([[0, 64, 255]], np.uint8)
    drawn = draw(PAPER[name](), probability)
    np.testing.assert_array_equal(drawn, np.repeat([expected], 3, axis=0).T[np.newaxis])
    label = LineMap(share=share) if name == 'boundaries' else share
    np.testing.assert_array_equal(drawn, draw(STANDARD[name], label))


def test_classes_plain_and_over_the_image():
    classes = np.array([[0, 15, VOID]], np.uint8)
    plain = draw(STANDARD['segmentation'], classes)
    np.testing.assert_array_equal(plain, [[[0, 0, 0], [192, 128, 128], BEIGE]])
    image = np.full((3, 9, 3), 100, np.uint8)
    over = draw(STANDARD['segmentation'], np.tile(np.repeat(classes, 3, axis=1), (3, 1)), image)
    # 0.65 of the class colour and 0.35 of the image; the background is the image.
    centres = [[100] * 3, [160, 118, 118], [181, 181, 160]]
    np.testing.assert_array_equal(over[1, 1::3], centres)
    # Between the regions is a white line.
    np.testing.assert_array_equal(over[:, [3, 6]], np.full((3, 2, 3), 201))


def test_semantic_boundaries_are_class_colours_on_white():
    label = np.array([[0, 15, VOID]], np.uint8)
    drawn = draw(STANDARD['semantic_boundaries'], label)
    np.testing.assert_array_equal(drawn, [[WHITE, [192, 128, 128], BEIGE]])
    boundaries = ClassBoundaryMap(
        classes=np.array([[15, 15, 1]], np.uint8), strength=np.array([[0, 1, 0.5]], np.float32)
    )
    drawn = draw(PAPER['semantic_boundaries'](), boundaries)
    np.testing.assert_array_equal(drawn, [[WHITE, [192, 128, 128], [192, 128, 128]]])


def test_drawing_in_bands_equals_drawing_at_once(monkeypatch):
    """The picture is larger than a band."""
    width = 512
    height = BAND // width + 3
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 21, (height, width), np.uint8)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    kind = STANDARD['segmentation']
    in_bands = draw(kind, classes, image)
    monkeypatch.setattr(drawing, 'BAND', classes.size)
    np.testing.assert_array_equal(in_bands, draw(kind, classes, image))


def test_the_key_of_normals_is_a_sphere():
    sphere = draw_normal_sphere(101)
    assert (sphere.dtype, sphere.shape) == (np.uint8, (101, 101, 4))
    assert tuple(sphere[50, 50]) == (128, 128, 255, 255)  # towards the camera
    assert tuple(sphere[50, 100]) == (255, 128, 128, 255)  # right
    assert tuple(sphere[50, 0]) == (0, 128, 128, 255)  # left
    assert tuple(sphere[0, 50]) == (128, 255, 128, 255)  # up
    assert tuple(sphere[100, 50]) == (128, 0, 128, 255)  # down
    assert sphere[0, 0, 3] == 0  # clear outside
    image = np.full((60, 90, 3), 50, np.uint8)
    normals = np.zeros((60, 90, 3), np.float32)
    drawn = make_panel('normals', STANDARD['normals'], normals, image)
    sheet = contact_sheet([drawn], side=90)
    bare = contact_sheet([dataclasses.replace(drawn, key=lambda side: None)], side=90)
    assert sheet.shape[0] > bare.shape[0]
    key = draw_normal_key(42)
    shown = np.nonzero(key[..., 3] == 255)
    below = sheet[-len(key) - 20 :]
    assert any((below[y : y + 42, 8:][shown] == key[..., :3][shown]).all() for y in range(20))


@pytest.mark.parametrize('height', [30, 64, 100])
def test_the_key_of_normals_names_directions_around_the_ball_on_a_clear_ground(height):
    key = draw_normal_key(height)
    assert key.shape[0] == height and key[0, 0, 3] == 0 and key[-1, -1, 3] == 0
    rows, columns = np.nonzero((key[..., 3] > 0) & (key[..., :3] == NOTE).all(-1))
    ball = (key[..., 3] == 255) & (np.ptp(key[..., :3].astype(int), axis=-1) > 20)
    top, bottom = np.nonzero(ball.any(1))[0][[0, -1]]
    first, last = np.nonzero(ball.any(0))[0][[0, -1]]
    assert rows.min() < top and rows.max() > bottom
    assert columns.min() < first and columns.max() > last


def test_boundaries_are_thinned_to_lines_of_the_thickness():
    """A soft ridge along a column is drawn as a line, with the class of the stronger pixels."""
    column = np.exp(-0.5 * ((np.arange(41) - 20) / 3) ** 2).astype(np.float32)
    ridge = np.tile(column, (41, 1))
    for thickness in (1, 3, 5):
        drawn = draw(PAPER['boundaries'](), ridge, style=Style(thickness=thickness))
        dark = (drawn[20, :, 0] < 64).nonzero()[0]
        half = thickness // 2
        assert dark.tolist() == list(range(20 - half, 21 + half))
    classes = np.where(np.arange(41) < 20, 1, 2).astype(np.uint8) * np.ones((41, 1), np.uint8)
    style = Style(thickness=3)
    boundaries = ClassBoundaryMap(classes=classes, strength=ridge)
    drawn = draw(PAPER['semantic_boundaries'](), boundaries, style=style)
    assert np.abs(drawn[20, 19:22].astype(int) - VOC_PALETTE[2]).max() < 30
    assert (drawn[20, :10] == 255).all()
    # Labels are already lines.
    lines = np.zeros((9, 9), np.uint8)
    lines[4] = 255
    for kind, label in (
        (STANDARD['boundaries'], LineMap(share=lines)),
        (STANDARD['semantic_boundaries'], lines // 51),
    ):
        np.testing.assert_array_equal(draw(kind, label, style=style), draw(kind, label))


def test_boxes_below_the_minimum_score_are_not_drawn():
    task, image = PAPER['detection'](), np.full((50, 50, 3), 50, np.uint8)
    detections = make_detections([[5, 5, 40, 40]], [3], [0.2])
    assert (draw(task, detections, image) == image).all()
    assert (draw(task, detections, image, Style(score=0.1)) != image).any()


def test_the_style_sets_the_opacity_of_classes():
    image = np.full((1, 1, 3), 100, np.uint8)
    classes = np.array([[15]], np.uint8)
    for opacity, expected in ((0.0, [100, 100, 100]), (1.0, VOC_PALETTE[15])):
        drawn = draw(STANDARD['segmentation'], classes, image, Style(opacity=opacity))
        np.testing.assert_array_equal(drawn[0, 0], expected)


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r'class_map.*\(2, 3\).*\(3, 2\)'):
        draw(STANDARD['parts'], np.zeros((2, 3), np.uint8), np.zeros((3, 2, 3), np.uint8))


def test_the_legend_has_only_the_classes_present():
    classes = np.array([[0, 15, VOID, 2]], np.uint8)
    drawn = STANDARD['segmentation'].legend(classes)
    assert list(drawn.items()) == [
        ('bicycle', (0, 128, 0)),
        ('person', (192, 128, 128)),
        ('void', BEIGE),
    ]
    assert STANDARD['saliency'].legend(classes) == {}
    kind = ClassMap(classes=('background', 'hat', 'shoe'))
    assert kind.legend(np.array([[2]], np.uint8)) == {'shoe': tuple(SAFE_PALETTE[2])}


@pytest.mark.parametrize('name', ['segmentation', 'semantic_boundaries', 'detection'])
def test_the_classes_of_voc_have_safe_colours_if_the_style_says_so(name):
    label = make_boxes((1, 1, 8, 8, 15, False)) if name == 'detection' else np.full((9, 9), 15)
    label = label.astype(np.uint8) if isinstance(label, np.ndarray) else label
    image = np.zeros((9, 9, 3), np.uint8)
    for style, palette in ((Style(opacity=1), VOC_PALETTE), (SAFE, SAFE_PALETTE)):
        drawn = draw(STANDARD[name], label, image, style)
        assert (drawn == palette[15]).all(-1).any()
        legend = STANDARD[name].legend(label, style)
        assert legend == ({} if name == 'detection' else {'person': tuple(palette[15])})


def test_the_legend_ignores_stray_pixels():
    classes = np.ones((50, 50), np.uint8)
    classes[0, :2] = 2
    classes[1, :3] = 3
    assert list(STANDARD['segmentation'].legend(classes)) == ['aeroplane', 'bird']


def test_the_legend_ignores_faint_boundaries():
    boundaries = ClassBoundaryMap(
        classes=np.array([[1, 2]], np.uint8), strength=np.array([[0.1, 0.9]], np.float32)
    )
    assert list(PAPER['semantic_boundaries']().legend(boundaries)) == ['bicycle']
    assert list(STANDARD['semantic_boundaries'].legend(boundaries.classes)) == [
        'aeroplane',
        'bicycle',
    ]


def test_boxes_are_drawn_with_names_over_the_image():
    task, kind = PAPER['detection'](), STANDARD['detection']
    image = np.full((100, 150, 3), 50, np.uint8)
    detections = make_detections([[20, 40, 120, 90], [0, 0, 150, 100]], [15, 8], [0.9, 0.1])
    drawn = draw(task, detections, image)
    colours = [VOC_PALETTE[index] for index in (15, 8)]
    person, cat = ((drawn == colour).all(-1) for colour in colours)
    assert person[40:90, 20].all() and person[89, 20:120].all() and person[40:90, 119].all()
    assert not cat.any()  # its score is too low
    assert (drawn[92:] == 50).all()
    labels = make_boxes((20, 40, 120, 90, 15, False), (0, 0, 150, 100, 8, False))
    labelled = draw(kind, labels, image)
    assert (labelled[99] == colours[1]).all()
    assert task.legend(detections) == kind.legend(labels) == {}
    assert image.max() == 50


def test_boxes_are_visible_on_objects_of_the_same_colour():
    image = np.full((100, 150, 3), VOC_PALETTE[15], np.uint8)
    detections = make_detections([[20, 40, 120, 90]], [15], [0.9])
    drawn = draw(PAPER['detection'](), detections, image)
    for column in (19, 21):  # on either side of the line
        assert (drawn[60:88, column] == 0).all()
    assert (drawn[60:88, 20] == VOC_PALETTE[15]).all()


def test_names_of_boxes_at_the_border_stay_within_the_image():
    image = np.full((100, 150, 3), 50, np.uint8)
    detections = make_detections([[140, 95, 150, 100]], [18], [0.9])
    drawn = draw(PAPER['detection'](), detections, image)
    rows, columns = (drawn != image).any(-1).nonzero()
    assert rows.min() < 90 and columns.min() < 115  # room for `sofa 0.90`
    # The same name is drawn at a box with enough room.
    detections.corners[:] = [[20, 20, 30, 25]]
    free = draw(PAPER['detection'](), detections, image)[20:, 20:]
    assert ((free == 255).all(-1)).sum() == ((drawn == 255).all(-1)).sum()


def test_real_segmentation_mask(data_root):
    """The palette is that of the VOC files."""
    folder = data_root / 'VOCdevkit' / 'VOC2012' / 'SegmentationClassAug'
    with Image.open(next(iter(sorted(folder.glob('*.png'))))) as mask:
        theirs = np.asarray(mask.convert('RGB'))
        ours = draw(STANDARD['segmentation'], np.asarray(mask))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize('wrong', [{'opacity': 1.5}, {'score': -0.1}, {'thickness': -1}])
def test_a_style_out_of_range_is_refused(wrong):
    with pytest.raises(UserError, match=f'{next(iter(wrong))}.*{next(iter(wrong.values()))}'):
        Style(**wrong)
