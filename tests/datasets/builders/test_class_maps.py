"""Class maps from polygons and run lengths."""

import numpy as np
import pytest
from skimage import draw

from ubernet_jax.datasets.builders import class_maps
from ubernet_jax.datasets.builders.class_maps import Mask, draw_class_map
from ubernet_jax.datasets.builders.coco_runs import read_runs
from ubernet_jax.errors import UserError

SIZE = (30, 40)
SQUARE = Mask(polygons=((2, 3, 12, 3, 12, 11, 2, 11),))


def test_a_pixel_belongs_to_a_polygon_if_its_centre_does():
    expected = np.zeros(SIZE, np.uint8)
    expected[3:11, 2:12] = 7
    np.testing.assert_array_equal(draw_class_map([(7, SQUARE)], SIZE, 'a.jpg'), expected)
    half = Mask(polygons=((2.4, 3.6, 11.6, 3.6, 11.6, 10.4, 2.4, 10.4),))
    expected[3] = expected[10] = 0
    np.testing.assert_array_equal(draw_class_map([(7, half)], SIZE, 'a.jpg'), expected)


@pytest.mark.parametrize('seed', range(5))
def test_polygons_are_drawn_as_by_scikit_image(seed):
    points = np.random.default_rng(seed).uniform((-3, -3), (43, 33), (9, 2))
    mask = Mask(polygons=(tuple(points.ravel().tolist()),))
    expected = np.zeros(SIZE, np.uint8)
    expected[draw.polygon(points[:, 1] - 0.5, points[:, 0] - 0.5, SIZE)] = 1
    np.testing.assert_array_equal(draw_class_map([(1, mask)], SIZE, 'a.jpg'), expected)


def test_the_smaller_mask_is_in_front():
    large = Mask(polygons=((0, 0, 20, 0, 20, 20, 0, 20),))
    for objects in ([(1, large), (2, SQUARE)], [(2, SQUARE), (1, large)]):
        drawn = draw_class_map(objects, SIZE, 'a.jpg')
        assert (drawn == 2).sum() == 80 and (drawn == 1).sum() == 400 - 80
    assert (draw_class_map([(1, SQUARE), (2, SQUARE)], SIZE, 'a.jpg') == 2).sum() == 80


def test_an_object_of_two_polygons():
    mask = Mask(polygons=(*SQUARE.polygons, (30, 20, 35, 20, 35, 25, 30, 25)))
    drawn = draw_class_map([(1, mask), (2, None)], SIZE, 'a.jpg')
    assert drawn.sum() == 80 + 25 and mask.area() == 105


def test_run_lengths_go_down_the_columns():
    runs = read_runs('it', {'size': [2, 3], 'counts': [1, 2, 3]}, (2, 3))
    drawn = draw_class_map([(5, Mask(runs=runs))], (2, 3), 'a.jpg')
    assert drawn.tolist() == [[0, 5, 0], [5, 0, 0]]
    full = read_runs('it', {'size': [2, 3], 'counts': [0, 6]}, (2, 3))
    assert draw_class_map([(5, Mask(runs=full))], (2, 3), 'a.jpg').min() == 5


def compress(runs: list[int]) -> str:
    """The compression of COCO, from the definition: see `coco_runs`."""
    text = ''
    for number, run in enumerate(runs):
        value = run - runs[number - 2] if number > 2 else run
        while True:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
            if not more:
                break
    return text


@pytest.mark.parametrize(
    'runs', [[6], [0, 6], [1, 2, 3], [100, 1, 5000, 40, 3, 20000, 7, 9], [2**24, 1, 2, 3, 4, 5]]
)
def test_compressed_run_lengths(runs):
    size = (1, sum(runs))
    mask = {'size': list(size), 'counts': compress(runs)}
    assert read_runs('it', mask, size) == tuple(runs)


def test_run_lengths_compressed_by_pycocotools():
    """Of `pycocotools.mask.encode`: 9 rows from the third, 8 columns from the fourth."""
    mask = {'size': [30, 40], 'counts': 'k39e00000000000000Uj0'}
    drawn = draw_class_map([(1, Mask(runs=read_runs('it', mask, SIZE)))], SIZE, 'a.jpg')
    assert drawn[3:12, 4:12].all() and drawn.sum() == 72


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        ({'size': [3, 2], 'counts': [6]}, r'\[3, 2\].*\[2, 3\]'),
        ({'size': [2, 3], 'counts': [5]}, 'sum 5.*= 6'),
        ({'size': [2, 3], 'counts': [7, -1]}, 'from -1'),
        ({'size': [2, 3], 'counts': [6.0]}, 'list of integers'),
        ({'size': [2, 3], 'counts': [10**30]}, 'sum 1000'),
        ({'size': [2, 3], 'counts': ''}, 'not compressed'),
        ({'size': [2, 3], 'counts': 'é'}, 'not compressed'),
        ({'size': [2, 3], 'counts': 'o' * 9}, 'not compressed'),
        ({'size': [2, 3]}, 'counts None'),
    ],
)
def test_wrong_run_lengths_are_refused(mask, message):
    with pytest.raises(UserError, match=message):
        read_runs('it', mask, (2, 3))


def test_work_is_limited(monkeypatch):
    monkeypatch.setattr(class_maps, '_MAX_CROSSINGS', 15)
    with pytest.raises(UserError, match=r'a\.jpg.*crosses'):
        draw_class_map([(1, SQUARE)], SIZE, 'a.jpg')
    monkeypatch.undo()
    monkeypatch.setattr(class_maps, '_MAX_DRAWN', 159)
    with pytest.raises(UserError, match=r'a\.jpg.*159'):
        draw_class_map([(1, SQUARE), (2, SQUARE)], SIZE, 'a.jpg')
