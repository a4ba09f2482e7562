"""The contract of examples: shapes, dtypes and ranges of images and labels."""

from collections.abc import Mapping

import numpy as np

from helpers.examples import assert_same_label, make_boxes
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, Boxes, ClassMap, LabelKind, Metres, UnitVectors
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.lines import LineMap


def assert_valid(example: Example, kinds: Mapping[str, LabelKind]) -> None:
    assert example.image.dtype == np.uint8
    assert example.image.shape[2:] == (3,)
    size = example.image.shape[:2]
    for name, label in example.labels.items():
        kind = kinds[name]
        if isinstance(kind, Boxes):
            assert_valid_boxes(label, *size, len(kind.classes) - 1)
            continue
        values = label.share if isinstance(label, LineMap) else label
        assert values.shape[:2] == size
        if isinstance(kind, UnitVectors):
            assert values.dtype == np.float32
            lengths = np.linalg.norm(values, axis=-1)
            np.testing.assert_allclose(lengths[lengths > 0], 1, atol=1e-5)
        elif isinstance(kind, Metres):
            assert values.dtype == np.float32 and np.all(values >= 0)
        else:
            assert values.dtype == np.uint8
        if isinstance(kind, ClassMap):
            assert np.all((values < len(kind.classes)) | (values == VOID))


def assert_valid_boxes(boxes: BoxSet, height: int, width: int, highest: int) -> None:
    rows = zip(*boxes.corners.T, boxes.classes, boxes.difficult, strict=True)
    assert_same_label(Boxes(), boxes, make_boxes(*rows))
    assert np.all((boxes.classes >= 1) & (boxes.classes <= highest))
    x1, y1, x2, y2 = boxes.corners.T
    assert np.all((0 <= x1) & (x1 < x2) & (x2 <= width) & (0 <= y1) & (y1 < y2) & (y2 <= height))
