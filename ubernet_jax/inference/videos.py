"""Predicts for videos frame by frame; writes videos that show frames and predictions together."""

import contextlib
import dataclasses
import importlib.util
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import imageio.v2 as imageio
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.batches import default_batch, map_ahead
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.picture_limits import MAX_PIXELS
from ubernet_jax.progress import Progress
from ubernet_jax.visualize import Panel, Style, contact_sheet
from ubernet_jax.visualize.style import DEFAULT_STYLE
from ubernet_jax.writing import new_file

# With this setting imageio starts ffmpeg without a plain fork, which may hang with JAX's threads.
os.environ.setdefault('IMAGEIO_FFMPEG_NO_PREVENT_SIGINT', '1')

FFMPEG = 'imageio_ffmpeg'  # of the extra `video`
# Playlists, which name other files, have other demuxers (`ffmpeg -demuxers`) and are refused.
_INPUT = [
    '-format_whitelist', 'mov,matroska,webm,avi,asf,mpeg,mpegvideo,mpegts', '-protocol_whitelist',
    'file', '-max_pixels', str(MAX_PIXELS),
]  # fmt: skip
_TOLERANCE = 0.02  # part of the frames; the sound, which counts in a duration, may be longer
ENDINGS = {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm', '.wmv'}


class Video(NamedTuple):
    """A video that is being read.

    Attributes:
      rate: frames per second.
      length: approximate number of frames.
      frames: iterator over the frames, uint8 (H, W, 3), RGB.
    """

    rate: float
    length: int
    frames: Iterator[np.ndarray]


class FrameCount(NamedTuple):
    """How much of a video was read.

    Attributes:
      read: number of frames that were read.
      announced: number of frames by the duration in the file's header, which is not exact.
    """

    read: int
    announced: int

    @property
    def ended_early(self) -> bool:
        """Whether the video is shorter than its header says, by more than its inexactness."""
        return self.announced - self.read > max(1, _TOLERANCE * self.announced)


def predict_video(
    net: UberNet,
    path: pathlib.Path,
    tasks: Sequence[str],
    out: pathlib.Path,
    *,
    every: int = 1,
    batch: int | None = None,
    style: Style = DEFAULT_STYLE,
) -> FrameCount:
    """Writes a video of contact sheets with the same duration as the given video.

    Args:
      net: the trained network.
      path: the video; its sound is ignored.
      tasks: names of tasks of the network.
      out: the .mp4 file to write; its folder is created.
      every: predicts for every n-th frame only.
      batch: frames that the device computes at once: see `UberNet.predict_each`.
      style: settings for drawing the results.

    Returns:
      How many frames were read.

    Raises:
      UserError: the extra `video` is not installed, or the video cannot be read or has no frames.
    """
    video = read_video(path)
    count = 0

    def chosen_frames(progress: Progress) -> Iterator[tuple[int, np.ndarray]]:
        nonlocal count
        for frame in video.frames:
            count += 1
            progress.advance()
            if (count - 1) % every == 0:
                yield count, frame

    def draw(predicted: tuple[int, Predictions]) -> np.ndarray:
        return _draw_frame(predicted[1], style)

    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress('frame', video.length, path.name))
        writer = None
        predicted = net.predict_each(chosen_frames(progress), tasks, batch)  # in order: of one size
        for sheet in map_ahead(draw, predicted, ahead=batch or default_batch()):
            if writer is None:  # a video without frames leaves no file
                new = stack.enter_context(new_file(out))
                rate = video.rate / every
                writer = imageio.get_writer(new, 'ffmpeg', fps=rate, macro_block_size=2)
                stack.enter_context(writer)
            # In imageio's stub the writer has a base class without this method.
            writer.append_data(sheet)  # pyright: ignore[reportAttributeAccessIssue]
    if count == 0:
        raise UserError(
            f'{path}: no frame can be read, of about {video.length} that the file announces; it '
            'must be a complete video: copy or save it again, or leave it out'
        )
    return FrameCount(read=count, announced=video.length)


def read_video(path: pathlib.Path) -> Video:
    """Opens a video. Raises as `predict_video`; reading a corrupt frame raises the same."""
    if importlib.util.find_spec(FFMPEG) is None:
        raise UserError(
            f'{path}: videos need imageio-ffmpeg, which is not installed: '
            'pip install "ubernet_jax[video]"'
        )
    if not path.is_file():
        raise UserError(f'{path}: no such file; check the path of the video')
    try:
        # Without a relative name, ffmpeg cannot take it for the address of another protocol.
        reader = imageio.get_reader(path.absolute(), 'ffmpeg', input_params=_INPUT)
    except Exception as error:  # imageio raises errors of ffmpeg as exceptions of several types
        raise UserError(
            f'{path}: cannot be read as a video ({_last_line(error)}); it must be a complete file '
            'in a format that ffmpeg reads: copy or save it again, or leave it out'
        ) from error
    meta = reader.get_meta_data()
    frames = cast(Iterator[np.ndarray], reader.iter_data())  # an Array in imageio's stub
    return Video(meta['fps'], round(meta['fps'] * meta.get('duration', 0)), frames)


def _draw_frame(result: Predictions, style: Style) -> np.ndarray:
    """Draws a contact sheet with even sides (for the codecs) and the same size for all frames."""
    photograph, *panels = result.panels(style)
    shown = [Panel(caption='video', picture=photograph.picture)]
    for task, panel in zip(result.tasks.values(), panels, strict=True):
        # A legend of the visible classes only would change the size from frame to frame.
        shown.append(dataclasses.replace(panel, legend=task.label.full_legend(style)))
    sheet = contact_sheet(shown)
    padding = [(0, side % 2) for side in sheet.shape[:2]]
    return np.pad(sheet, [*padding, (0, 0)], constant_values=255)


def _last_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
