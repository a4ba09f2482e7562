"""The contact sheet of a prepared dataset."""

import dataclasses

import numpy as np
import pytest

from helpers.examples import make_boxes
from ubernet_jax.datasets import contact_sheet
from ubernet_jax.datasets.builders.coco import COCO_CLASSES
from ubernet_jax.datasets.contact_sheet import draw_examples
from ubernet_jax.example import Example
from ubernet_jax.labels import Boxes
from ubernet_jax.labels.standard import STANDARD

GREEN = (10, 200, 30)
KINDS = {'segmentation': STANDARD['segmentation'], 'detection': Boxes(classes=COCO_CLASSES)}


@dataclasses.dataclass
class FakeSplit:
    """Green images; every second image has a mask, every third has a box of class 80."""

    split: str
    length: int
    present: tuple[str, ...] = ('detection', 'segmentation')

    def present_labels(self) -> tuple[str, ...]:
        return self.present

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
            labels['detection'] = make_boxes((5, 5, 30, 25, 80, False))
        return Example(id=self.ids[index], image=image, labels=labels, kinds=KINDS)


@pytest.fixture
def panels(monkeypatch) -> list:
    """The panels that `contact_sheet` draws, row by row."""
    rows = []

    def record(panels, columns, side):
        rows.extend(panels[start : start + columns] for start in range(0, len(panels), columns))

    monkeypatch.setattr(contact_sheet, 'contact_sheet', record)
    return rows


def test_eight_examples_are_spread_over_all_splits(panels):
    draw_examples([FakeSplit('train', 20), FakeSplit('val', 9)])
    captions = [row[0].caption for row in panels]
    assert captions == [
        'train: id0', 'train: id4', 'train: id8', 'train: id12', 'train: id16', 'val: id0',
        'val: id4', 'val: id8',
    ]  # fmt: skip


def test_a_missing_label_leaves_its_cell_empty(panels):
    draw_examples([FakeSplit('train', 4)])
    drawn = [[panel and panel.caption.split(':')[0] for panel in row] for row in panels]
    assert drawn == [
        ['train', 'detection', 'segmentation'],
        ['train', None, None],
        ['train', None, 'segmentation'],
        ['train', 'detection', None],
    ]


def test_two_examples_with_a_single_label_share_a_row(panels):
    draw_examples([FakeSplit('train', 9, present=('segmentation',))])
    assert [len(row) for row in panels] == [4] * 4
    assert [row[2].caption for row in panels] == [
        'train: id1',
        'train: id3',
        'train: id6',
        'train: id8',
    ]


def test_the_contact_sheet_shows_the_images():
    picture = draw_examples([FakeSplit('train', 2)])
    assert picture.dtype == np.uint8
    assert np.all(picture == np.uint8(GREEN), axis=-1).any()
