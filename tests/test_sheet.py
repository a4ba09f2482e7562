"""The picture of a prepared set's examples."""

import dataclasses

import numpy as np
import pytest

from ubernet_jax.datasets import sheet
from ubernet_jax.datasets.coco import COCO_CLASSES
from ubernet_jax.datasets.sheet import draw_examples
from ubernet_jax.structs import Boxes, Example

GREEN = (10, 200, 30)


@dataclasses.dataclass
class FakeSplit:
    """Green images; every second has a mask, every third boxes of class 80."""

    split: str
    length: int
    tasks: frozenset[str] = frozenset({'segmentation', 'detection'})
    classes: dict = dataclasses.field(default_factory=lambda: {'detection': COCO_CLASSES})

    def __len__(self) -> int:
        return self.length

    @property
    def ids(self) -> list[str]:
        return [f'id{index}' for index in range(self.length)]

    def __getitem__(self, index: int) -> Example:
        image = np.full((30, 40, 3), GREEN, np.uint8)
        labels = {}
        if index % 2 == 0:
            labels['segmentation'] = np.full((30, 40), 12, np.uint8)
        if index % 3 == 0:
            box, classes = np.float32([[5, 5, 30, 25]]), np.uint8([80])
            labels['detection'] = Boxes(corners=box, classes=classes, difficult=np.zeros(1, bool))
        return Example(id=self.ids[index], image=image, labels=labels)


@pytest.fixture
def panels(monkeypatch) -> list:
    """What is drawn by a `contact_sheet`, row by row."""
    rows = []

    def record(panels, columns, side):
        rows.extend(panels[start : start + columns] for start in range(0, len(panels), columns))

    monkeypatch.setattr(sheet, 'contact_sheet', record)
    return rows


def test_eight_examples_are_spread_over_all_splits(panels):
    draw_examples([FakeSplit('train', 20), FakeSplit('val', 9)])
    captions = [row[0].caption for row in panels]
    assert captions == [
        'train: id0', 'train: id4', 'train: id8', 'train: id12', 'train: id16', 'val: id0',
        'val: id4', 'val: id8',
    ]  # fmt: skip


def test_every_label_has_its_place_and_a_missing_one_leaves_it_empty(panels):
    draw_examples([FakeSplit('train', 4)])
    drawn = [[one and one.caption.split(':')[0] for one in row] for row in panels]
    assert drawn == [
        ['train', 'segmentation', 'detection'],
        ['train', None, None],
        ['train', 'segmentation', None],
        ['train', None, 'detection'],
    ]


def test_two_examples_of_a_single_task_share_a_row(panels):
    draw_examples([FakeSplit('train', 9, tasks=frozenset({'segmentation'}))])
    assert [len(row) for row in panels] == [4] * 4
    assert [row[2].caption for row in panels] == [
        'train: id1',
        'train: id3',
        'train: id6',
        'train: id8',
    ]


def test_the_picture_shows_the_images():
    picture = draw_examples([FakeSplit('train', 2)])
    assert picture.dtype == np.uint8
    assert np.all(picture == np.uint8(GREEN), axis=-1).any()
