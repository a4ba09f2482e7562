"""Fingerprints: definition, robustness, and finding the nearest."""

import io

import numpy as np
import pytest
from PIL import Image

from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.datasets.storage.fingerprint import MAX_DISTANCE, find_nearest, fingerprint
from ubernet_jax.datasets.storage.records import encode_image


def encode(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **options)
    return buffer.getvalue()


def distance(first: np.ndarray, second: np.ndarray) -> int:
    return bin(int.from_bytes((first ^ second).tobytes(), 'little')).count('1')


@pytest.fixture(scope='module')
def scenes() -> list[Image.Image]:
    return [Image.fromarray(draw_scene(seed, 96, 160).image) for seed in range(6)]


def test_a_fingerprint_is_the_low_frequencies_above_their_median():
    grey = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    frequency, position = np.arange(16), np.arange(64)
    waves = np.cos(np.pi * np.outer(frequency, 2 * position + 1) / 128)
    strengths = (waves @ grey @ waves.T).ravel()
    bits = np.unpackbits(fingerprint(encode_image(np.stack([grey] * 3, -1))).view(np.uint8))
    np.testing.assert_array_equal(bits, strengths > np.median(strengths))
    assert bits.sum() == 128


def test_the_fingerprint_of_a_known_picture():
    row, column = np.mgrid[:64, :64]
    grey = (row * row + 3 * column + 40 * (row > column)) % 256
    computed = fingerprint(encode_image(np.stack([grey] * 3, -1).astype(np.uint8)))
    assert (computed.dtype, computed.shape) == (np.uint64, (4,))
    assert computed.tobytes().hex() == (
        'a3b11c43269f19a8267a189c205e3dbe676162cf44e3da4fcf1cd41594f7b34c'
    )


@pytest.mark.parametrize(
    ('change', 'limit'),
    [
        (lambda p: encode(p, format='jpeg', quality=90), 6),
        (lambda p: encode(p, format='jpeg', quality=30), 12),
        (lambda p: encode(p.convert('L'), format='png'), 2),
        (lambda p: encode(p.resize((320, 192), Image.Resampling.BICUBIC), format='png'), 16),
        (lambda p: encode(p.resize((80, 48), Image.Resampling.LANCZOS), format='jpeg'), 32),
        (lambda p: encode(p.crop((1, 1, p.width - 1, p.height - 1)), format='png'), 40),
        (lambda p: encode(p.point(lambda value: 0.9 * value), format='png'), 6),
    ],
    ids=['jpeg 90', 'jpeg 30', 'grey', 'twice as large', 'half as large', 'cropped', 'darker'],
)
def test_a_changed_picture_is_recognised(change, limit, scenes):
    originals = [fingerprint(encode(scene, format='png')) for scene in scenes]
    changed = [fingerprint(change(scene)) for scene in scenes]
    assert limit <= MAX_DISTANCE
    assert max(map(distance, originals, changed)) <= limit
    assert [find_nearest(query, np.array(originals)) for query in changed] == list(range(6))


def test_another_picture_is_not_recognised():
    scenes = [draw_scene(seed, 96, 160).image for seed in range(6)]
    fingerprints = np.array([fingerprint(encode_image(scene)) for scene in scenes])
    for index in range(6):
        rest = np.delete(fingerprints, index, axis=0)
        assert find_nearest(fingerprints[index], rest) is None


def test_a_large_jpeg_decoded_at_reduced_size_has_nearly_the_same_fingerprint(scenes):
    large = scenes[0].resize((1600, 960), Image.Resampling.BICUBIC)
    reduced, full = (fingerprint(encode(large, format=kind)) for kind in ('jpeg', 'png'))
    assert distance(reduced, full) <= 8


def flip_bits(original: np.ndarray, count: int) -> np.ndarray:
    """Inverts the first `count` bits."""
    mask = np.repeat([1, 0], [count, 256 - count]).astype(np.uint8)
    return original ^ np.packbits(mask).view(np.uint64)


def test_the_nearest_within_the_limit_is_found():
    query = np.random.default_rng(0).integers(0, 2**64, 4, np.uint64)
    far, edge, near = (flip_bits(query, count) for count in (MAX_DISTANCE + 1, MAX_DISTANCE, 3))
    assert distance(query, far) == MAX_DISTANCE + 1
    assert find_nearest(query, np.array([far])) is None
    assert find_nearest(query, np.array([far, edge])) == 1
    assert find_nearest(query, np.array([edge, far, near])) == 2
    assert find_nearest(query, np.array([~query])) is None  # a distance of 256 overflows a byte
    assert find_nearest(query, np.zeros((0, 4), np.uint64)) is None


def test_real_photographs_under_two_names(data_root):
    pascal_s = data_root / 'PASCAL-S'
    lines = (pascal_s / 'voc_ids.txt').read_text().split('\n')[:12]
    pairs = [line.split() for line in lines]
    ours, theirs = (
        np.array([fingerprint(path.read_bytes()) for path in paths])
        for paths in (
            [pascal_s / f'datasets/imgs/pascal/{number}.jpg' for number, _ in pairs],
            [data_root / f'VOCdevkit/VOC2012/JPEGImages/{name}.jpg' for _, name in pairs],
        )
    )
    assert [find_nearest(query, theirs) for query in ours] == list(range(12))
    for index in range(12):
        assert find_nearest(ours[index], np.delete(theirs, index, axis=0)) is None
