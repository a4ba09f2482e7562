"""Videos: the written video has the frames and the duration of the video that was read."""

import importlib.util
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple, cast

import imageio.v2 as imageio
import numpy as np
import pytest

from ubernet_jax import UberNet, predict
from ubernet_jax.errors import UserError
from ubernet_jax.inference import videos
from ubernet_jax.inference.videos import FrameCount, predict_video

pytestmark = pytest.mark.slow

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


class NoFrames(NamedTuple):
    """A video whose header announces frames that cannot be read."""

    rate: float = 10.0
    length: int = 5
    frames: Iterator = iter(())


class NoNetwork:
    """Stands for a network; only reads the frames."""

    def predict_each(self, photographs: Iterator, tasks: list[str], batch: int | None) -> Iterator:
        yield from photographs


def test_a_video_without_frames_is_an_error_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'read_video', lambda path: NoFrames())
    out = tmp_path / 'out' / 'sheet.mp4'
    with pytest.raises(UserError, match=r'none\.mp4: no frame.* 5 '):
        predict_video(cast(UberNet, NoNetwork()), tmp_path / 'none.mp4', [], out)
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ('read', 'announced', 'early'),
    [(5, 5, False), (6, 5, False), (4, 5, False), (3, 5, True), (985, 1000, False),
     (970, 1000, True), (3, 0, False)],
)  # fmt: skip
def test_a_video_that_lacks_more_frames_than_the_header_is_inexact_ended_early(
    read, announced, early
):
    assert FrameCount(read, announced).ended_early is early


@needs_ffmpeg
def test_a_video_that_is_cut_short_is_reported(exported, tmp_path, monkeypatch, capsys):
    frames = np.random.default_rng(0).integers(0, 256, (30, 48, 64, 3), np.uint8)
    path = tmp_path / 'long.mp4'
    imageio.mimwrite(
        path, list(frames), 'ffmpeg', fps=10, macro_block_size=2,
        output_params=['-movflags', '+faststart'],
    )  # fmt: skip
    words = ['--checkpoint', exported, path, '--tasks', 'saliency', '--every', '10']
    monkeypatch.setattr('sys.argv', ['predict', *map(str, words), '--out', str(tmp_path / 'out')])
    predict.main()
    text = capsys.readouterr().out
    assert f'{path}: 30 frames read' in text and 'early' not in text
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    predict.main()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if 'frames read' in line]
    match = re.search(r'long\.mp4: (\d+) frames read.* 30\.', line)
    assert match and 0 < int(match[1]) < 28


def test_a_missing_video_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'FFMPEG', 'numpy')  # any installed package
    with pytest.raises(UserError, match=r'none\.mp4: no such file'):
        videos.read_video(tmp_path / 'none.mp4')


def test_the_error_for_a_missing_extra_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, 'FFMPEG', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[video\]"'):
        videos.read_video(tmp_path / 'a.mp4')


@needs_ffmpeg
@pytest.mark.parametrize(
    'playlist',
    [
        'ffconcat version 1.0\nfile grey.mp4\n',
        '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ngrey.mp4\n#EXT-X-ENDLIST\n',
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="0" bandwidth="1"><BaseURL>grey.mp4</BaseURL></Representation>'
        '</AdaptationSet></Period></MPD>',
    ],
)
def test_a_playlist_of_another_file_is_refused(playlist, grey, tmp_path):
    path = tmp_path / 'list.mp4'
    path.write_text(playlist)
    with pytest.raises(UserError, match=r'list\.mp4: cannot be read as a video'):
        videos.read_video(path)


@needs_ffmpeg
def test_a_relative_name_is_not_taken_for_a_protocol(grey, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = pathlib.Path('concat:other.mp4')
    grey.rename(name)
    assert len(list(videos.read_video(name).frames)) == len(LEVELS)
