"""Videos: what is written has the frames, and the length in time, of what was read."""

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
    """A video of five grey frames, ten a second."""
    frames = [np.full((48, 64, 3), level, np.uint8) for level in LEVELS]
    imageio.mimwrite(tmp_path / 'grey.mp4', frames, 'ffmpeg', fps=10, macro_block_size=2)
    return tmp_path / 'grey.mp4'


def check_sheets(path: pathlib.Path, rate: float, levels: list[int]) -> None:
    """The first panel is the frame itself; the codec is not exact."""
    video = videos.read_video(path)
    sheets = np.stack(list(video.frames))
    assert video.rate == rate and video.length == len(sheets)
    assert sheets.shape[1] % 2 == sheets.shape[2] % 2 == 0
    np.testing.assert_allclose(sheets[:, 100:150, 100:200].mean((1, 2, 3)), levels, atol=6)


@needs_ffmpeg
def test_a_video_of_sheets(grey, exported, tmp_path):
    """Whatever classes are to be seen in a frame, its sheet has the size of the others."""
    out, tasks = tmp_path / 'new' / 'sheet.mp4', ['saliency', 'parts', 'semantic_boundaries']
    predict_video(UberNet.load(exported), grey, tasks, out)
    check_sheets(out, 10, LEVELS)


@needs_ffmpeg
def test_predict_takes_patterns_and_names_what_is_no_video(grey, exported, tmp_path, monkeypatch):
    (tmp_path / 'broken.mp4').write_bytes(b'no video at all')
    out = tmp_path / 'out'
    words = ['--checkpoint', exported, grey.parent / '*.mp4', '--out', out, '--every', '2']
    monkeypatch.setattr('sys.argv', ['predict', *map(str, words), '--tasks', 'saliency'])
    message = r'1 files were left out\n.*broken\.mp4: cannot be read as a video'
    with pytest.raises(UserError, match=message):
        predict.main()
    assert [folder.name for folder in out.iterdir()] == ['grey']
    check_sheets(out / 'grey' / 'sheet.mp4', 5, LEVELS[::2])


def test_a_video_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'FFMPEG', 'numpy')  # installed or not
    with pytest.raises(UserError, match=r'none\.mp4: there is no such file'):
        videos.read_video(tmp_path / 'none.mp4')


def test_without_the_extra_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'FFMPEG', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[video\]"'):
        videos.read_video(tmp_path / 'a.mp4')
