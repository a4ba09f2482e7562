"""Faults of datasets of users, in every format: each ends before anything is compiled.

The message names the file, or the setting, that must be changed.
"""

import pathlib

import jax
import numpy as np
import pytest

from helpers import tiny_config
from helpers.annotated_images import HEIGHT, WIDTH, annotation, write_coco_set, write_yolo_set
from helpers.dataset_files import random_image, save_list, save_map
from ubernet_jax import config as c
from ubernet_jax import prepare
from ubernet_jax.errors import UserError
from ubernet_jax.train import train

FORMATS = ('folder', 'coco', 'yolo')


def write(form: str, source: pathlib.Path) -> None:
    """Writes a set with boxes, or in folders masks, of the classes cat and dog."""
    if form == 'coco':
        write_coco_set(source)
    elif form == 'yolo':
        write_yolo_set(source, splits=['train'])
    else:
        random_image(source / 'train/images/a.jpg', HEIGHT, WIDTH)
        save_map(source / 'train/masks/a.png', np.full((HEIGHT, WIDTH), 2, np.uint8))
        save_list(source / 'masks.txt', ('background', 'cat', 'dog'))


@pytest.fixture
def source(tmp_path) -> pathlib.Path:
    return tmp_path / 'pets'


def build(form: str, source: pathlib.Path, *options: str) -> None:
    directory = str(source.parent / 'prepared')
    prepare.main(
        [f'{form}/pets', '--source', str(source), '--directory', directory, '--workers', '1']
        + list(options)
    )


def make_config(form: str, source: pathlib.Path, split: str = 'train') -> c.Config:
    """Trains a task on a split of the set."""
    config = tiny_config.get_config()
    name = 'masks' if form == 'folder' else 'detection'
    kind = c.Segmentation if form == 'folder' else c.Detection
    config.tasks = {name: kind()}
    config.data.directory = str(source.parent / 'prepared')
    config.data.train = [c.DatasetConfig(name=f'{form}/pets', split=split)]
    config.evaluation.benchmarks = []
    return config


def refuse(config: c.Config, workdir: pathlib.Path, *parts: str) -> None:
    """Checks that training is refused, with all parts in the message, and compiles nothing."""

    def compile_nothing(*arguments: object, **settings: object) -> None:
        raise AssertionError('compiled')

    with pytest.MonkeyPatch.context() as patch, pytest.raises(UserError) as error:
        patch.setattr(jax, 'jit', compile_nothing)
        train(config, workdir)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize('form', FORMATS)
def test_a_wrong_class_list_of_the_configuration(form, source, tmp_path):
    write(form, source)
    build(form, source)
    config = make_config(form, source)
    (name,) = config.tasks
    config.tasks[name].classes = ('background', 'dog', 'cat')
    refuse(config, tmp_path / 'run', f'tasks.{name}.classes', 'dog, cat', 'cat, dog')


@pytest.mark.parametrize('form', FORMATS)
def test_a_missing_split(form, source, tmp_path):
    write(form, source)
    build(form, source)
    config = make_config(form, source, split='val')
    refuse(
        config, tmp_path / 'run', f'config: data.train[0]: dataset {form}/pets', "'val'", 'train'
    )


@pytest.mark.parametrize('form', FORMATS)
def test_images_that_are_not_labelled_for_a_task(form, source, tmp_path):
    write(form, source)
    build(form, source)
    config = make_config(form, source)
    config.tasks = {'saliency': c.SoftMask(), **config.tasks}
    (label,) = set(config.tasks) - {'saliency'}
    refuse(config, tmp_path / 'run', 'tasks.saliency', f'{form}/pets:train: {label}')


def test_an_unlabelled_image(source, refuses):
    """A folder without any label, a YOLO set without any label file; COCO: without images."""
    random_image(source / 'train/images/a.jpg', HEIGHT, WIDTH)
    refuses('folder/pets', source, 'no labels', source=source)
    save_list(source / 'classes.txt', ('cat',))
    refuses('yolo/pets', source, 'none of the 1 images', 'a.txt', source=source)
    path = write_coco_set(source, images=[], annotations=[])
    refuses('coco/pets', path, '"images"', source=source)


@pytest.mark.parametrize(
    ('form', 'file', 'parts'),
    [
        ('folder', 'train/masks/a.png', ['index 2', '0 to 1', 'the list']),
        ('coco', 'annotations/instances_train.json', ['category_id 2', '1 cat']),
        ('yolo', 'labels/train/train.txt, line 1', ["class '1'", '0 to 0', 'data.yaml']),
    ],
)
def test_an_index_beyond_the_list_of_classes(form, file, parts, source, refuses):
    """The list lacks the class dog."""
    write(form, source)
    if form == 'coco':
        write_coco_set(source, categories=[{'id': 1, 'name': 'cat'}])
    elif form == 'yolo':
        write_yolo_set(source, ['1 0.5 0.5 0.2 0.2'], names=['cat'], splits=['train'])
    else:
        save_list(source / 'masks.txt', ('background', 'cat'))
    refuses(f'{form}/pets', f'{source / file}', *parts, source=source)


def test_a_coloured_mask(source, refuses):
    """COCO and YOLO have no mask files."""
    write('folder', source)
    path = source / 'train/masks/a.png'
    random_image(path, HEIGHT, WIDTH)
    refuses('folder/pets', path, 'mode RGB', '8-bit grey', source=source)


def test_a_mask_of_another_size(source, refuses):
    write('folder', source)
    path = source / 'train/masks/a.png'
    save_map(path, np.zeros((HEIGHT, WIDTH - 1), np.uint8))
    refuses('folder/pets', path, '39 x 30', '40 x 30', source=source)
    mask = {'size': [HEIGHT, WIDTH - 1], 'counts': [HEIGHT * (WIDTH - 1)]}
    entry = annotation(1, 1, (2, 3, 10, 8), segmentation=mask)
    path = write_coco_set(source, annotations=[entry])
    refuses('coco/pets', f'{path}: annotations[0]', '[30, 39]', '[30, 40]', source=source)
