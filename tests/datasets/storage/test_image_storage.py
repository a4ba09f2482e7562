"""How images are stored: unchanged, scaled down, as JPEG."""

import numpy as np
import pytest

from helpers.examples import make_boxes
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.records import decode_image, encode_image
from ubernet_jax.example import Example
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import STANDARD


@pytest.fixture
def example() -> Example:
    """40 x 80 pixels; the lines of two annotators cross and are one pixel wide."""
    ramp = np.linspace(0, 255, 80).astype(np.uint8)
    annotators = np.zeros((2, 40, 80), np.uint8)
    annotators[0, 13] = annotators[1, :, 27] = 1
    return Example(
        id='a',
        image=np.broadcast_to(ramp[:, None], (40, 80, 3)).copy(),
        labels={
            'boundaries': LineMap.of_annotators(annotators),
            'detection': make_boxes((8, 4, 40, 36, 3, False), (0, 0, 80, 40, 7, True)),
        },
        kinds=STANDARD,
    )


def test_the_default_changes_nothing(example):
    encoded = encode_image(example.image)
    stored, file = Storage().apply(example, encoded)
    assert stored is example and file is encoded


@pytest.mark.parametrize('max_side', [80, 500])
def test_an_image_that_is_small_enough_keeps_its_file(max_side, example):
    encoded = encode_image(example.image)
    stored, file = Storage(max_side=max_side).apply(example, encoded)
    assert stored is example and file is encoded


def test_a_large_image_is_scaled_down_with_its_labels(example):
    stored, file = Storage(max_side=20).apply(example, b'')
    assert stored.image.shape == (10, 20, 3)
    np.testing.assert_array_equal(decode_image(file), stored.image)  # without loss
    assert stored.labels['detection'].corners.tolist() == [[2, 1, 10, 9], [0, 0, 20, 10]]
    lines = stored.labels['boundaries']
    assert lines.annotators.dtype == lines.share.dtype == np.uint8
    assert lines.annotators[0].tolist() == [[int(row == 3)] * 20 for row in range(10)]
    assert lines.annotators[1].tolist() == [[int(column == 6) for column in range(20)]] * 10
    assert lines.share.max(axis=1).tolist() == [128] * 3 + [255] + [128] * 6


def test_scaled_boxes_at_the_border_stay_within_the_image():
    """Rounding must not make a box invalid."""
    for width in range(1000, 1200):
        image = np.zeros((width // 3, width, 3), np.uint8)
        boxes = make_boxes((0, 0, width, width // 3, 3, False))
        example = Example(id='a', image=image, labels={'detection': boxes}, kinds=STANDARD)
        stored, _ = Storage(max_side=333).apply(example, b'')
        size = stored.image.shape[:2]
        assert STANDARD['detection'].check(stored.labels['detection'], size) == []


def test_a_jpeg_has_the_requested_quality(example):
    sizes = []
    for quality in (20, 95):
        stored, file = Storage(jpeg_quality=quality).apply(example, b'')
        assert file.startswith(b'\xff\xd8')
        np.testing.assert_array_equal(decode_image(file), stored.image)
        assert stored.labels is example.labels
        sizes.append(len(file))
    assert sizes[0] < sizes[1]


def test_str_describes_the_settings():
    assert '300 pixels' in str(Storage(max_side=300))
    assert 'JPEG quality 80' in str(Storage(jpeg_quality=80))
