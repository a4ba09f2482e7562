"""What differs between the training data of a checkpoint and of the run that continues it."""

import json

import numpy as np
import pytest

from helpers.memory_datasets import MemoryDataset
from ubernet_jax.labels import ClassMap, UnitVectors
from ubernet_jax.training.data_description import describe_changes, describe_sets
from ubernet_jax.training.training_sets import TrainingSet

CLASSES = ('background', 'first')


def describe(ids: str = 'abc', **changes: object) -> list:
    """Describes a training set of three images, as a checkpoint has it, after JSON.

    Args:
      ids: a letter for each image.
      changes: fields of `MemoryDataset` that differ.
    """
    dataset = MemoryDataset(
        **{
            'name': 'tiny',
            'green': 0,
            'sizes': [(20, 30)] * len(ids),
            'labels': {'segmentation': ClassMap(classes=CLASSES), 'normals': UnitVectors()},
            **changes,
        }
    )
    labels = {'objects': 'segmentation'}
    (description,) = describe_sets([TrainingSet(dataset=dataset, repeat=1, labels=labels)])
    return [json.loads(json.dumps({**description, 'ids': list(ids)}))]


def test_equal_data_have_no_changes():
    assert describe_changes(describe(), describe()) == []


def test_labels_that_no_task_is_trained_on_may_change():
    labels = {'segmentation': ClassMap(classes=CLASSES)}
    flags = {'normals': np.array([True, False, True])}
    assert describe_changes(describe(), describe(labels=labels)) == []
    assert describe_changes(describe(), describe(labelled=flags)) == []


@pytest.mark.parametrize(
    ('now', 'wanted'),
    [
        ({'ids': 'abcd'}, ['3 images', 'now 4', 'added: d']),
        ({'ids': 'bc'}, ['3 images', 'now 2', 'removed: a']),
        ({'ids': 'abx'}, ['3 images', 'now 3', 'added: x', 'removed: c']),
        ({'ids': 'acb'}, ['order']),
        ({'sizes': [(20, 30), (20, 31), (20, 30)]}, ['size', '1 images', 'b']),
        ({'green': 9}, ['photograph', '3 images']),
        ({'labelled': {'segmentation': [1, 1, 0]}}, ['presence', 'segmentation', ': c']),
        ({'labels': {'segmentation': ClassMap(classes=('a', 'b'))}}, ['segmentation', 'first']),
    ],
)
def test_a_change_is_described(now, wanted):
    (line,) = describe_changes(describe(), describe(**now))
    assert line.startswith('tiny:train: ')
    for part in wanted:
        assert part in line
