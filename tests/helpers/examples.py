"""Labels made in tests, and assertions that labels and examples are the same."""

from collections.abc import Mapping

import numpy as np

from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.boxes import BoxSet

Expected = dict[str, list[Example]]  # split -> examples in the order of the dataset's list


def make_boxes(*rows: tuple[float, float, float, float, int, bool]) -> BoxSet:
    """Makes boxes from rows x1, y1, x2, y2, class, difficult."""
    return BoxSet(
        corners=np.array([row[:4] for row in rows], np.float32).reshape(-1, 4),
        classes=np.array([row[4] for row in rows], np.uint8),
        difficult=np.array([row[5] for row in rows], bool),
    )


def assert_same_label(kind: LabelKind, actual: object, wanted: object, atol: float = 0) -> None:
    """Asserts that two labels of a kind have the same type and arrays, up to a tolerance."""
    assert type(actual) is type(wanted)
    assert getattr(actual, 'dtype', None) == getattr(wanted, 'dtype', None)
    actual_parts, wanted_parts = kind.pack(actual), kind.pack(wanted)
    assert set(actual_parts) == set(wanted_parts)
    for name, array in wanted_parts.items():
        part = actual_parts[name]
        assert (part.dtype, part.shape) == (array.dtype, array.shape), name
        np.testing.assert_allclose(part, array, rtol=0, atol=atol, err_msg=name)


def assert_same_example(actual: Example, wanted: Example, kinds: Mapping[str, LabelKind]) -> None:
    """Asserts that two examples have the same image and labels, of these kinds by name."""
    assert actual.id == wanted.id
    np.testing.assert_array_equal(actual.image, wanted.image)
    assert set(actual.labels) == set(wanted.labels)
    for name, label in wanted.labels.items():
        assert_same_label(kinds[name], actual.labels[name], label)
