"""Finding the frame of normals: all frames, noise, and invalid normals."""

import pathlib

import numpy as np
import pytest

from helpers.tiny_matlab_datasets import room_normals
from ubernet_jax.datasets.builders.normal_frames import FRAMES, Frame, find_frame
from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import read_photograph

SHAPE = (48, 64)


def unapply(frame: Frame, normals: np.ndarray) -> np.ndarray:
    """Converts normals to the frame of a file; the inverse of `Frame.apply`."""
    stored = np.empty_like(normals)
    stored[..., frame.components] = normals * np.array(frame.signs, normals.dtype)
    return stored


def find_in(normals: np.ndarray) -> Frame:
    return find_frame('a set', [0], lambda _: normals)


def test_apply_inverts_each_of_the_48_frames():
    vector = np.float32([1, 2, 3])
    assert len({tuple(frame.apply(vector).tolist()) for frame in FRAMES}) == 48
    for frame in FRAMES:
        assert frame.apply(unapply(frame, vector)).tolist() == [1, 2, 3]
    swapped = Frame(components=(0, 2, 1), signs=(-1, 1, 1))
    assert swapped.apply(vector).tolist() == [-1, 3, 2]


@pytest.mark.parametrize('frame', FRAMES)
def test_every_frame_is_found_from_a_room(frame):
    room = room_normals(*SHAPE)
    np.testing.assert_array_equal(find_in(unapply(frame, room)).apply(unapply(frame, room)), room)


def test_a_tilted_noisy_room_with_unknown_normals():
    angle = np.deg2rad(12)  # the camera looks down a little
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]]
    )
    rng = np.random.default_rng(0)
    noisy = room_normals(*SHAPE) @ tilt + 0.2 * rng.standard_normal((*SHAPE, 3))
    noisy /= np.linalg.norm(noisy, axis=-1, keepdims=True)
    noisy[rng.random(SHAPE) < 0.3] = 0
    stored = Frame(components=(2, 0, 1), signs=(1, -1, -1))
    assert find_in(unapply(stored, noisy)) == stored


def test_a_single_wall_determines_one_axis():
    wall = np.tile(np.float32([0, 0, -1]), (*SHAPE, 1))
    assert find_in(wall) == Frame(components=(0, 1, 2), signs=(1, 1, -1))


def test_normals_in_all_directions_are_refused():
    random = np.random.default_rng(0).standard_normal((*SHAPE, 3))
    with pytest.raises(UserError, match=r'a set.*4\d%'):
        find_in(random)


def test_an_evenly_spaced_sample_of_images_is_read():
    read = []
    find_frame('a set', range(795), lambda item: (read.append(item), room_normals(*SHAPE))[1])
    assert 20 <= len(read) <= 24
    assert read[0] == 0 and read[-1] > 750


def test_real_normals_have_the_frame_of_the_folder_layout(data_root):
    folder = data_root / 'folder' / 'kitchen' / 'train'
    paths = sorted((folder / 'normals').iterdir())

    def read(path: pathlib.Path) -> np.ndarray:
        image = read_photograph(next((folder / 'images').glob(f'{path.stem}.*')))
        return STANDARD['normals'].read(path, image.shape[:2])

    assert find_frame(folder, paths, read) == FRAMES[0]
    mixed = FRAMES[29]
    assert find_frame(folder, paths, lambda path: unapply(mixed, read(path))) == mixed
