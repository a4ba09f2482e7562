"""Downloaded datasets, where there are any: counts and values of labels."""

import pathlib

import numpy as np
import pytest

from helpers.examples import assert_same_label, make_boxes
from helpers.valid_examples import assert_valid
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.storage import records
from ubernet_jax.labels.standard import STANDARD, VOC_CLASSES


@pytest.mark.parametrize(
    ('name', 'counts', 'labels'),
    [
        ('bsds500', {'train': 200, 'val': 100, 'test': 200}, {'boundaries'}),
        ('voc2012', {'train': 600, 'val': 330}, {'segmentation', 'semantic_boundaries'}),
        ('pascal_s', {'train': 300, 'test': 200}, {'saliency'}),
        ('folder/kitchen', {'test': 30, 'train': 100}, {'normals'}),
        ('folder/fashion', {'test': 60, 'train': 200}, {'parts', 'saliency'}),
    ],
)
def test_real_data(name, counts, labels, data_root, tmp_path):
    builder = make_builder(name, tmp_path)
    splits = builder.list_splits(builder.locate(data_root))
    assert {split: len(items) for split, items in splits.items()} == counts
    for items in splits.values():
        example, encoded_image = builder.read(items[0])
        assert set(example.labels) == labels
        assert_valid(example, builder.labels)
        np.testing.assert_array_equal(records.decode_image(encoded_image), example.image)


@pytest.fixture
def voc_items(data_root, tmp_path) -> dict[str, list[dict[str, pathlib.Path]]]:
    builder = make_builder('voc2012', tmp_path)
    return builder.list_splits(builder.locate(data_root))


def test_real_boxes_of_a_photograph(voc_items, tmp_path):
    items = {item['images'].stem: item for item in voc_items['train'] + voc_items['val']}
    example, _ = make_builder('voc2012', tmp_path).read(items['2008_000863'])
    assert example.image.shape == (336, 500, 3)
    assert set(example.labels) == {'segmentation', 'semantic_boundaries', 'detection'}
    dog, chair = VOC_CLASSES.index('dog'), VOC_CLASSES.index('chair')
    wanted = make_boxes((239, 25, 387, 256, dog, False), (400, 4, 497, 122, chair, True))
    assert_same_label(STANDARD['detection'], example.labels['detection'], wanted)
    # The box, which was annotated independently, fits the mask to within a few pixels.
    rows, columns = np.nonzero(example.labels['segmentation'] == dog)
    around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(wanted.corners[0], around, atol=5)


def test_the_number_of_real_boxes(voc_items):
    counts = {}
    for split, items in voc_items.items():
        boxes = [
            STANDARD['detection'].read(item['detection'], (500, 500))
            for item in items
            if 'detection' in item
        ]
        difficult = np.concatenate([label.difficult for label in boxes])
        counts[split] = (len(items), len(boxes), len(difficult), int(difficult.sum()))
    assert counts == {'train': (600, 546, 1154, 108), 'val': (330, 246, 490, 43)}
    unlabelled = [
        item['images'].stem
        for items in voc_items.values()
        for item in items
        if 'detection' not in item
    ]
    assert len(unlabelled) == 138 and all(name.startswith('2007_') for name in unlabelled)
