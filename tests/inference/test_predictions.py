"""The predictions for a photograph: a mapping, attributes, arrays, pictures and files."""

import copy
import io
import json
import pickle

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ubernet_jax import config as c
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.labels.standard import VOC_CLASSES
from ubernet_jax.tasks.class_boundaries import ClassBoundaryMap
from ubernet_jax.tasks.detections import Box, Detections
from ubernet_jax.visualize import Style

HEIGHT, WIDTH = 20, 30
ROAD = ('other', 'road', 'kerb')
VEHICLES = ('background', 'car', 'bus')


def make_predictions() -> Predictions:
    """A result of every kind of task; the tasks have user-defined names."""
    tasks = {
        'road': c.Segmentation(classes=ROAD),
        'kerbs': c.ClassBoundaries(classes=ROAD),
        'glow': c.SoftMask(),
        'outlines': c.Boundaries(),
        'facing': c.Normals(),
        'vehicles': c.Detection(classes=VEHICLES),
        'signs': c.Detection(classes=('background', 'stop')),
    }
    rng = np.random.default_rng(0)
    size = HEIGHT, WIDTH
    results = {
        'road': rng.integers(0, 3, size, np.uint8),
        'kerbs': ClassBoundaryMap(
            classes=rng.integers(1, 3, size, np.uint8), strength=rng.random(size, np.float32)
        ),
        'glow': rng.random(size, np.float32),
        'outlines': rng.random(size, np.float32),
        'facing': np.broadcast_to(np.float32([0, 0.6, 0.8]), (*size, 3)),
        'vehicles': Detections(
            corners=np.float32([[1, 2.5, 11, 12], [0, 0, 30, 20]]),
            classes=np.uint8([2, 1]),
            scores=np.float32([0.75, 0.5]),
            names=VEHICLES,
        ),
        'signs': Detections(
            corners=np.zeros((0, 4), np.float32),
            classes=np.zeros(0, np.uint8),
            scores=np.zeros(0, np.float32),
            names=('background', 'stop'),
        ),
    }
    return Predictions(rng.integers(0, 256, (*size, 3), np.uint8), tasks, results)


@pytest.fixture
def out() -> Predictions:
    return make_predictions()


def test_results_are_items_and_attributes_by_the_names_of_the_tasks(out):
    names = ['road', 'kerbs', 'glow', 'outlines', 'facing', 'vehicles', 'signs']
    assert list(out) == list(out.keys()) == list(out.tasks) == names and len(out) == 7
    for name, result in out.items():
        assert name in out and out[name] is getattr(out, name) is result
    assert out.kerbs.classes.dtype == np.uint8 and out.kerbs.strength.dtype == np.float32


def test_tasks_that_were_not_predicted_are_absent(out):
    message = 'no normals.*road, kerbs, glow, outlines, facing, vehicles, signs'
    with pytest.raises(AttributeError, match=message):
        out.normals  # noqa: B018
    with pytest.raises(KeyError, match=message):
        out['normals']
    with pytest.raises(UserError, match=message):
        out.picture('normals')
    assert 'normals' not in out and not hasattr(out, 'normals') and out.get('normals') is None
    with pytest.raises(KeyError, match='road.*nothing'):
        Predictions(out.image, {}, {})['road']


def test_detections_are_a_sequence_of_boxes(out):
    boxes = list(out.vehicles)
    assert len(out.vehicles) == 2 and not list(out.signs)
    assert boxes[0] == Box((1.0, 2.5, 11.0, 12.0), 'bus', 0.75)
    assert [(box.label, box.score) for box in boxes] == [('bus', 0.75), ('car', 0.5)]


def test_arrays_are_named_after_the_tasks(out):
    arrays = out.arrays()
    several = ['vehicles_corners', 'vehicles_classes', 'vehicles_scores']
    assert list(arrays) == [
        'road', 'kerbs', 'kerbs_strength', 'glow', 'outlines', 'facing', *several,
        'signs_corners', 'signs_classes', 'signs_scores',
    ]  # fmt: skip
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    np.testing.assert_array_equal(arrays['kerbs'], out.kerbs.classes)
    np.testing.assert_array_equal(arrays['kerbs_strength'], out.kerbs.strength)
    np.testing.assert_array_equal(arrays['vehicles_corners'], out.vehicles.corners)
    assert arrays['signs_corners'].shape == (0, 4)


def test_files_are_named_after_the_tasks(out, tmp_path):
    folder = tmp_path / 'new' / 'folder'
    saved = out.save(folder, arrays=True)
    pictures = {f'{name}.png' for name in out}
    further = {'sheet.png', 'road.index.png', 'vehicles.json', 'signs.json', 'predictions.npz'}
    assert {path.name for path in folder.iterdir()} == pictures | further
    assert saved.folder == folder and saved.written == sorted(folder.iterdir())
    assert 'road.index.png' in str(saved) and saved.removed == []
    for name in out:
        np.testing.assert_array_equal(Image.open(folder / f'{name}.png'), out.picture(name))
    with np.load(folder / 'predictions.npz') as arrays:
        assert set(arrays) == set(out.arrays())
        for name, array in out.arrays().items():
            assert arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(arrays[name], array)
    assert json.loads((folder / 'signs.json').read_text()) == []
    assert json.loads((folder / 'vehicles.json').read_text()) == [
        {'box': [1.0, 2.5, 11.0, 12.0], 'label': 'bus', 'score': 0.75},
        {'box': [0.0, 0.0, 30.0, 20.0], 'label': 'car', 'score': 0.5},
    ]


def test_tasks_may_have_the_names_of_parameters_of_numpy(out, tmp_path):
    tasks = {'file': c.SoftMask(), 'allow_pickle': c.SoftMask(), 'args': c.SoftMask()}
    maps = {name: np.full((HEIGHT, WIDTH), n / 4, np.float32) for n, name in enumerate(tasks)}
    Predictions(out.image, tasks, maps).save(tmp_path, arrays=True)
    with np.load(tmp_path / 'predictions.npz') as arrays:
        assert set(arrays) == set(tasks)
        for name in tasks:
            np.testing.assert_array_equal(arrays[name], maps[name])


def test_files_of_an_earlier_prediction_are_replaced_and_other_files_stay(out, tmp_path):
    assert out.save(tmp_path, arrays=True).removed == []
    for name in ('holiday.png', 'notes.txt'):
        (tmp_path / name).write_text('not a prediction')
    fewer = Predictions(out.image, {'glow': out.tasks['glow']}, {'glow': out.glow})
    saved = fewer.save(tmp_path)
    removed = saved.removed
    assert all(path.name in str(saved) for path in removed)
    kept = {'glow.png', 'sheet.png', 'holiday.png', 'notes.txt'}
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert {path.parent for path in removed} == {tmp_path}
    tasks = set(out) - {'glow'}
    assert {path.name for path in removed} == {
        *(f'{name}.png' for name in tasks), 'vehicles.json', 'signs.json', 'road.index.png',
        'predictions.npz',
    }  # fmt: skip


def test_a_list_of_files_in_a_foreign_picture_reaches_no_other_folder(out, tmp_path):
    outside = tmp_path / 'a.txt'
    outside.touch()
    folder = tmp_path / 'out'
    for names in (['../a.txt', str(outside), '..', '', 7], {'a': 1}, 'a.txt'):
        folder.mkdir(exist_ok=True)
        info = PngImagePlugin.PngInfo()
        info.add_text('ubernet_jax', json.dumps(names))
        Image.new('L', (1, 1)).save(folder / 'sheet.png', pnginfo=info)
        assert out.save(folder).removed == [] and outside.exists()
    (folder / 'sheet.png').write_bytes(b'not a picture')
    assert out.save(folder).removed == []


def test_a_prediction_that_cannot_be_saved_changes_nothing(out, tmp_path):
    out.save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    tasks = {'glow': c.SoftMask(), 'facing': c.Normals()}
    broken = Predictions(out.image, tasks, {'glow': out.glow, 'facing': out.glow})
    with pytest.raises(Exception):  # noqa: B017
        broken.save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize('name', ['file', 'file/folder'])
def test_a_file_in_place_of_the_folder_is_named(out, name, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match=f'{tmp_path / name} '):
        out.save(tmp_path / name)


def test_saved_boxes_are_labels_of_the_folder_layout(out, tmp_path):
    """The predictions of a network can be the ground truth of another network."""
    out.save(tmp_path)
    label = out.tasks['vehicles'].label.read(tmp_path / 'vehicles.json', (HEIGHT, WIDTH))
    np.testing.assert_array_equal(label.corners, out.vehicles.corners)
    np.testing.assert_array_equal(label.classes, out.vehicles.classes)


def test_index_masks_are_labels_with_the_colours_of_the_classes(out, tmp_path):
    out.save(tmp_path)
    label = out.tasks['road'].label
    np.testing.assert_array_equal(label.read(tmp_path / 'road.index.png'), out.road)
    with Image.open(tmp_path / 'road.index.png') as mask:
        colours = np.asarray(mask.convert('RGB'))
    for name, colour in label.full_legend().items():
        assert (colours[out.road == ROAD.index(name)] == colour).all()


def test_a_notebook_shows_the_sheet(out):
    with Image.open(io.BytesIO(out._repr_png_())) as picture:
        assert picture.format == 'PNG' and picture.width > 3 * 240 and len(repr(out)) < 200


@pytest.mark.parametrize(
    ('field', 'value'),
    [('opacity', 0.1), ('score', 0.6), ('thickness', 3), ('safe_colours', True)],
)
def test_kinds_of_labels_name_the_settings_that_change_their_pictures(out, field, value):
    voc = c.Segmentation(classes=VOC_CLASSES)
    more = Predictions(out.image, {**out.tasks, 'voc': voc}, {**out, 'voc': out.road})
    for name in [*out, 'voc']:
        changed = (more.picture(name, Style(**{field: value})) != more.picture(name)).any()
        named = field in more.tasks[name].label.style_fields
        assert named == changed or name == 'signs'  # which has no box


def test_pictures_are_saved_in_the_given_style(out, tmp_path):
    out.save(tmp_path, style=Style(opacity=0))
    np.testing.assert_array_equal(Image.open(tmp_path / 'road.png'), out.image)


def test_panels_show_the_photograph_then_every_task(out):
    photograph, *panels = out.panels(Style(opacity=0.0, score=1.1))
    np.testing.assert_array_equal(photograph.picture, out.image)
    assert [panel.caption for panel in panels] == list(out)
    by_name = dict(zip(out, panels, strict=True))
    for panel in panels:
        assert (panel.picture.dtype, panel.picture.shape) == (np.uint8, (HEIGHT, WIDTH, 3))
    for name in ('road', 'vehicles', 'signs'):  # only the photograph is visible
        np.testing.assert_array_equal(by_name[name].picture, out.image)
    assert list(by_name['road'].legend) == list(by_name['kerbs'].legend) == ['road', 'kerb']
    assert [name for name, panel in by_name.items() if panel.key(32) is not None] == ['facing']


def test_the_representation_has_the_size_and_the_tasks(out):
    assert '30 x 20' in repr(out)
    assert 'road, kerbs, glow, outlines, facing, vehicles, signs' in repr(out)


@pytest.mark.parametrize(
    'copied', [copy.copy, copy.deepcopy, lambda out: pickle.loads(pickle.dumps(out))]
)
def test_a_copy_is_complete(out, copied):
    copy_of_out = copied(out)
    assert repr(copy_of_out) == repr(out) and copy_of_out.tasks == out.tasks
    np.testing.assert_array_equal(copy_of_out.image, out.image)
    np.testing.assert_array_equal(copy_of_out.kerbs.strength, out.kerbs.strength)
    assert list(copy_of_out.vehicles) == list(out.vehicles)
    np.testing.assert_array_equal(copy_of_out.picture('road'), out.picture('road'))


def test_predictions_are_compared_by_identity_and_can_be_in_sets(out):
    equal_values = make_predictions()
    assert out == out and out != equal_values and len({out, equal_values}) == 2


def test_a_task_cannot_have_the_name_of_an_attribute_or_a_file_of_the_predictions(out, tmp_path):
    out.save(tmp_path)
    taken = {name for name in dir(out) if not name.startswith('_')} - set(out)
    assert {'image', 'tasks', 'save', 'items'} <= taken
    taken |= {path.name.split('.')[0] for path in tmp_path.glob('*.png')} - set(out)
    for name in taken:
        with pytest.raises(UserError, match=rf"tasks.*'{name}'.* {name}"):
            validate(c.Config(tasks={name: c.SoftMask()}))


@pytest.mark.parametrize(
    ('kind', 'name'), [(c.ClassBoundaries, 'kerbs_strength'), (c.Detection, 'kerbs_voc07')]
)
def test_a_task_cannot_have_the_name_of_a_result_of_another_task(kind, name):
    config = c.Config(steps=1, tasks={'kerbs': kind(), name: c.SoftMask()})
    with pytest.raises(UserError, match=f"tasks.*'{name}'"):
        validate(config)


def test_the_refused_names_are_those_of_results_and_arrays(out):
    for name, result in out.items():
        task = out.tasks[name]
        names = {*task.arrays(name, result), *task.metrics(name, 2, {})} - {name}
        assert names == {f'{name}_{suffix}' for suffix in task.suffixes}
