"""Which tasks the labels of several datasets become."""

import dataclasses
from typing import Any, cast

import pytest

from ubernet_jax.configure.tasks import assign_tasks
from ubernet_jax.errors import UserError
from ubernet_jax.labels import Boxes, ClassMap, LabelKind, SoftMask
from ubernet_jax.tasks import Detection, Segmentation
from ubernet_jax.tasks import SoftMask as SoftMaskTask

CATS, DOGS = ClassMap(classes=('background', 'cat')), ClassMap(classes=('background', 'dog'))


@dataclasses.dataclass
class LabelsOf:
    """The part of a `PreparedSet` that `assign_tasks` reads."""

    name: str
    labels: dict[str, LabelKind]


def assign(**sets: dict[str, LabelKind]) -> Any:
    parts = [LabelsOf(f'folder/{name}', labels) for name, labels in sets.items()]
    return assign_tasks(cast(Any, parts))


def test_labels_with_the_same_classes_are_one_task():
    assignment = assign(a={'pets': CATS}, b={'pets': CATS, 'glow': SoftMask()})
    assert assignment.tasks == {
        'pets': Segmentation(classes=CATS.classes),
        'glow': SoftMaskTask(),
    }
    assert assignment.labels['folder/b'] == {'pets': 'pets', 'glow': 'glow'}
    assert assignment.notes == []


@pytest.mark.parametrize('other', [DOGS, ClassMap(classes=('cat', 'background')), SoftMask()])
def test_labels_that_differ_are_tasks_of_their_datasets(other):
    assignment = assign(a={'pets': CATS}, b={'pets': other}, c={'pets': CATS})
    assert list(assignment.tasks) == ['pets_a', 'pets_b']
    assert assignment.labels['folder/c'] == {'pets_a': 'pets'}
    assert assignment.labels['folder/b'] == {'pets_b': 'pets'}
    (note,) = assignment.notes
    assert 'pets_a of folder/a, folder/c' in note and 'labels.json' in note


@pytest.mark.parametrize(
    ('label', 'task'),
    [('my-pets', 'my_pets'), ('3d', 'task_3d'), ('images', 'images_a'), ('räume', 'räume')],
)
def test_a_label_whose_name_is_not_allowed_for_tasks_is_renamed(label, task):
    assignment = assign(a={label: Boxes(classes=('background', 'cat'))})
    assert list(assignment.tasks) == [task] and isinstance(assignment.tasks[task], Detection)
    assert assignment.labels == {'folder/a': {task: label}}


def test_two_labels_that_would_be_one_task_are_refused():
    with pytest.raises(UserError, match='my_pets.*rename'):
        assign(a={'my-pets': CATS, 'my_pets': CATS})
