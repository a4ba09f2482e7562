"""Videos: the written video has the frames and the duration of the video that was read."""

import importlib.util
import pathlib

import imageio.v2 as imageio
import numpy as np
import pytest

from ubernet_jax import UberNet, predict
from ubernet_jax.errors import UserError
from ubernet_jax.inference import videos
from ubernet_jax.inference.videos import predict_video

needs_ffmpeg = pytest.mark.skipif(
    importlib.util.find_spec('imageio_ffmpeg') is None,
    reason='the extra `video` (imageio-ffmpeg) is not installed',
)


LEVELS = [20, 70, 120, 170, 220]


@pytest.fixture
def grey(tmp_path) -> pathlib.Path:
    """A video of five grey frames at 10 frames per second."""
    frames = [np.full((48, 64, 3), level, np.uint8) for level in LEVELS]
    imageio.mimwrite(tmp_path / 'grey.mp4', frames, 'ffmpeg', fps=10, macro_block_size=2)
    return tmp_path / 'grey.mp4'


def check_sheets(path: pathlib.Path, rate: float, levels: list[int]) -> None:
    """Compares the first panel of each sheet with the frame; the codec is not exact."""
    video = videos.read_video(path)
    sheets = np.stack(list(video.frames))
    assert video.rate == rate and video.length == len(sheets)
    assert sheets.shape[1] % 2 == sheets.shape[2] % 2 == 0
    np.testing.assert_allclose(sheets[:, 100:150, 100:200].mean((1, 2, 3)), levels, atol=6)


@needs_ffmpeg
def test_all_frames_have_the_same_size(grey, exported, tmp_path):
    """The size of a sheet does not depend on the classes in the frame."""
    out, tasks = tmp_path / 'new' / 'sheet.mp4', ['saliency', 'parts', 'semantic_boundaries']
    predict_video(UberNet.load(exported), grey, tasks, out)
    check_sheets(out, 10, LEVELS)


@needs_ffmpeg
def test_predict_expands_patterns_and_names_unreadable_videos(
    grey, exported, tmp_path, monkeypatch
):
    (tmp_path / 'broken.mp4').write_bytes(b'not a video')
    out = tmp_path / 'out'
    words = ['--checkpoint', exported, grey.parent / '*.mp4', '--out', out, '--every', '2']
    monkeypatch.setattr('sys.argv', ['predict', *map(str, words), '--tasks', 'saliency'])
    message = r'^1 files.*\n.*broken\.mp4'
    with pytest.raises(UserError, match=message):
        predict.main()
    assert [folder.name for folder in out.iterdir()] == ['grey']
    check_sheets(out / 'grey' / 'sheet.mp4', 5, LEVELS[::2])


def test_a_missing_video_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'FFMPEG', 'numpy')  # any installed package
    with pytest.raises(UserError, match=r'none\.mp4: no such file'):
        videos.read_video(tmp_path / 'none.mp4')


def test_the_error_for_a_missing_extra_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'FFMPEG', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[video\]"'):
        videos.read_video(tmp_path / 'a.mp4')
