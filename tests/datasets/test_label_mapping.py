"""The mapping of tasks to labels, the source of classes, and mismatches."""

import dataclasses
import pathlib

import numpy as np
import pytest

from ubernet_jax import config as c
from ubernet_jax.datasets import Dataset
from ubernet_jax.datasets.label_mapping import find_classes, map_labels
from ubernet_jax.errors import UserError
from ubernet_jax.labels import Boxes, ClassLines, ClassMap, LabelKind, SoftMask
from ubernet_jax.labels.standard import VOC_CLASSES

ROADS, CROPS = ('background', 'lane', 'kerb'), ('soil', 'crop', 'weed')
PAPER = {'segmentation': c.PAPER['segmentation'](), 'saliency': c.PAPER['saliency']()}


def make_dataset(labels: dict[str, LabelKind], absent: tuple[str, ...] = ()) -> Dataset:
    """Makes a dataset without records: two images with all labels except the `absent` labels."""
    return Dataset(
        name='folder/mine',
        split='train',
        directory=pathlib.Path('none'),
        collection='folder/mine:train',
        labels=labels,
        ids=('a', 'b'),
        sizes=np.full((2, 2), 9, np.int32),
        labelled={name: np.full(2, name not in absent) for name in labels},
        counts={name: np.zeros(2, np.int32) for name in labels},
        rows=np.arange(2),
    )


def make_config(tasks: dict[str, c.Task], *settings: c.DatasetConfig) -> c.Config:
    return c.Config(steps=1, tasks=tasks, data=c.DataConfig(train=list(settings)))


def test_a_task_is_mapped_to_the_label_with_its_name():
    dataset = make_dataset(
        {
            'saliency': SoftMask(),
            'segmentation': ClassMap(classes=VOC_CLASSES),
            'weeds': ClassMap(classes=CROPS),
        }
    )
    wanted = {'segmentation': 'segmentation', 'saliency': 'saliency'}
    assert map_labels(dataset, c.DatasetConfig(), PAPER) == wanted


def test_a_task_is_mapped_to_the_label_in_the_settings():
    dataset = make_dataset({'a': SoftMask(), 'b': SoftMask(), 'saliency': SoftMask()})
    setting = c.DatasetConfig(labels={'saliency': 'b'})
    assert map_labels(dataset, setting, PAPER) == {'saliency': 'b'}
    tasks = {'near': c.SoftMask(), 'far': c.SoftMask()}
    setting = c.DatasetConfig(labels={'near': 'a', 'far': 'a'})
    assert map_labels(dataset, setting, tasks) == {'near': 'a', 'far': 'a'}


def test_only_the_tasks_of_the_dataset_are_mapped():
    dataset = make_dataset({'saliency': SoftMask(), 'segmentation': ClassMap(classes=VOC_CLASSES)})
    assert map_labels(dataset, c.DatasetConfig(tasks=('saliency',)), PAPER) == {
        'saliency': 'saliency'
    }
    # The settings of other tasks are ignored.
    setting = c.DatasetConfig(tasks=('saliency',), labels={'segmentation': 'no'})
    assert map_labels(dataset, setting, PAPER) == {'saliency': 'saliency'}


def test_a_label_that_no_image_has_is_not_mapped():
    dataset = make_dataset({'saliency': SoftMask(), 'sky': SoftMask()}, absent=('saliency', 'sky'))
    assert map_labels(dataset, c.DatasetConfig(), PAPER) == {}
    assert map_labels(dataset, c.DatasetConfig(labels={'saliency': 'sky'}), PAPER) == {}


def test_a_mapping_to_an_unknown_label():
    dataset = make_dataset({'sky': SoftMask(), 'sea': SoftMask(), 'sand': SoftMask()}, ('sand',))
    with pytest.raises(UserError) as error:
        map_labels(dataset, c.DatasetConfig(labels={'saliency': 'sci'}), PAPER)
    for part in ('folder/mine:train', "'sci'", 'saliency', 'sky, sea'):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ('kind', 'task', 'got', 'needed'),
    [
        (SoftMask(), c.Segmentation(), 'soft_mask', 'class_map'),
        (ClassMap(classes=CROPS), c.SoftMask(), 'class_map', 'soft_mask'),
        (ClassLines(classes=CROPS), c.Segmentation(classes=CROPS), 'class_lines', 'class_map'),
        (ClassMap(classes=CROPS), c.ClassBoundaries(classes=CROPS), 'class_map', 'class_lines'),
        (Boxes(classes=CROPS), c.Boundaries(), 'boxes', 'lines'),
    ],
)
def test_a_label_of_another_kind(kind, task, got, needed):
    dataset = make_dataset({'plants': kind})
    setting = c.DatasetConfig(labels={'green': 'plants'})
    with pytest.raises(UserError) as error:
        map_labels(dataset, setting, {'green': task})
    for part in ("'plants' of folder/mine:train", got, f'green ({task.kind})', needed):
        assert part in str(error.value)


@pytest.mark.parametrize(
    'classes',
    [
        ('soil', 'crop'),
        ('soil', 'weed', 'crop'),
        ('soil', 'crop', 'weeds'),
        ('soil', 'crop', 'weed', 'stone'),
        VOC_CLASSES,
    ],
    ids=['fewer', 'order', 'spelling', 'more', 'others'],
)
@pytest.mark.parametrize(
    ('kind', 'task'),
    [(ClassMap, c.Segmentation), (ClassLines, c.ClassBoundaries), (Boxes, c.Detection)],
)
def test_classes_that_differ_from_those_of_the_task(classes, kind, task):
    dataset = make_dataset({'plants': kind(classes=CROPS)})
    with pytest.raises(UserError) as error:
        map_labels(dataset, c.DatasetConfig(), {'plants': task(classes=classes)})
    for part in (
        "'plants' of folder/mine:train",
        f'  task  ({len(classes)}): {", ".join(classes)}\n',
        '  label (3): soil, crop, weed\n',
        'tasks.plants.classes',
    ):
        assert part in str(error.value)
    assert map_labels(dataset, c.DatasetConfig(), {'plants': task(classes=CROPS)})


def test_classes_may_be_a_list():
    """As on the command line and in JSON."""
    dataset = make_dataset({'plants': ClassMap(classes=CROPS)})
    assert map_labels(dataset, c.DatasetConfig(), {'plants': c.Segmentation(classes=list(CROPS))})


def test_classes_come_from_the_training_data():
    tasks = {
        'road': c.Segmentation(weight=3.0),
        'edges': c.ClassBoundaries(),
        'objects': c.Detection(),
        'named': c.Segmentation(classes=CROPS),
        'glow': c.SoftMask(),
    }
    config = make_config(tasks, c.DatasetConfig(labels={'road': 'ground', 'named': 'plants'}))
    dataset = make_dataset(
        {
            'ground': ClassMap(classes=ROADS),
            'edges': ClassLines(classes=CROPS),
            'objects': Boxes(classes=ROADS),
            'plants': ClassMap(classes=CROPS),
            'glow': SoftMask(),
        }
    )
    completed = find_classes(config.tasks, config.data.train, [dataset])
    assert {name: task.classes for name, task in completed.items()} == {
        'road': ROADS, 'edges': CROPS, 'objects': ROADS, 'named': CROPS, 'glow': (),
    }  # fmt: skip
    assert completed['road'] == dataclasses.replace(tasks['road'], classes=ROADS)
    assert tasks['road'].classes == ()  # the argument is not modified


def test_two_datasets_with_different_classes_can_have_two_tasks():
    tasks = {'road': c.Segmentation(), 'field': c.Segmentation()}
    settings = (
        c.DatasetConfig(tasks=('road',), labels={'road': 'segmentation'}),
        c.DatasetConfig(tasks=('field',), labels={'field': 'segmentation'}),
    )
    datasets = [
        make_dataset({'segmentation': ClassMap(classes=classes)}) for classes in (ROADS, CROPS)
    ]
    completed = find_classes(tasks, settings, datasets)
    classes = completed['road'].classes, completed['field'].classes
    assert classes == (ROADS, CROPS)
    mapped = [map_labels(*pair, completed) for pair in zip(datasets, settings, strict=True)]
    assert mapped == [{'road': 'segmentation'}, {'field': 'segmentation'}]


def test_two_datasets_with_different_classes_cannot_share_a_task():
    config = make_config({'ground': c.Segmentation()}, c.DatasetConfig(), c.DatasetConfig())
    roads, crops = (
        make_dataset({'ground': ClassMap(classes=classes)}) for classes in (ROADS, CROPS)
    )
    with pytest.raises(UserError) as error:
        find_classes(config.tasks, config.data.train, [roads, crops])
    assert '  task  (3): background, lane, kerb\n  label (3): soil, crop, weed\n' in str(
        error.value
    )
    completed = find_classes(config.tasks, config.data.train, [crops, crops])
    assert completed['ground'].classes == CROPS


def test_classes_of_labels_that_no_image_has_are_ignored():
    config = make_config({'ground': c.Segmentation()}, c.DatasetConfig(), c.DatasetConfig())
    absent = make_dataset({'ground': ClassMap(classes=ROADS)}, absent=('ground',))
    present = make_dataset({'ground': ClassMap(classes=CROPS)})
    completed = find_classes(config.tasks, config.data.train, [absent, present])
    assert completed['ground'].classes == CROPS


def test_a_task_with_unknown_classes():
    tasks = {'ground': c.Segmentation(), 'objects': c.Detection(), 'glow': c.SoftMask()}
    with pytest.raises(UserError) as error:
        find_classes(tasks, [c.DatasetConfig()], [make_dataset({'glow': SoftMask()})])
    assert 'ground, objects' in str(error.value) and 'data.train' in str(error.value)
