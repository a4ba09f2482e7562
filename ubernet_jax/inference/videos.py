"""Predicts for videos frame by frame; writes videos that show frames and predictions together."""

import dataclasses
import importlib.util
import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import imageio.v2 as imageio
import numpy as np
import tqdm

from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.visualize import Panel, contact_sheet

# With this setting imageio starts ffmpeg without a plain fork, which may hang with JAX's threads.
os.environ.setdefault('IMAGEIO_FFMPEG_NO_PREVENT_SIGINT', '1')

FFMPEG = 'imageio_ffmpeg'  # of the extra `video`
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


def predict_video(
    net: UberNet, path: pathlib.Path, tasks: Sequence[str], out: pathlib.Path, *, every: int = 1
) -> None:
    """Writes a video of contact sheets with the same duration as the given video.

    Args:
      net: the trained network.
      path: the video; its sound is ignored.
      tasks: names of tasks of the network.
      out: the .mp4 file to write; its folder is created.
      every: predicts for every n-th frame only.

    Raises:
      UserError: the extra `video` is not installed, or the video cannot be read.
    """
    video = read_video(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    frames = itertools.islice(video.frames, 0, None, every)
    total = -(-video.length // every)
    rate = video.rate / every
    with imageio.get_writer(out, 'ffmpeg', fps=rate, macro_block_size=2) as writer:
        for frame in tqdm.tqdm(frames, path.name, total, unit='frame', leave=False, disable=None):
            sheet = _draw_frame(net.predict(frame, tasks))
            # In imageio's stub the writer has a base class without this method.
            writer.append_data(sheet)  # pyright: ignore[reportAttributeAccessIssue]


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
        reader = imageio.get_reader(path, 'ffmpeg')
    except Exception as error:  # imageio raises errors of ffmpeg as exceptions of several types
        raise UserError(
            f'{path}: cannot be read as a video ({_last_line(error)}); it must be a complete file '
            'in a format that ffmpeg reads: copy or save it again, or leave it out'
        ) from error
    meta = reader.get_meta_data()
    frames = cast(Iterator[np.ndarray], reader.iter_data())  # an Array in imageio's stub
    return Video(meta['fps'], round(meta['fps'] * meta['duration']), frames)


def _draw_frame(result: Predictions) -> np.ndarray:
    """Draws a contact sheet with even sides (for the codecs) and the same size for all frames."""
    photograph, *panels = result.panels()
    shown = [Panel(caption='video', picture=photograph.picture)]
    for task, panel in zip(result.tasks.values(), panels, strict=True):
        # A legend of the visible classes only would change the size from frame to frame.
        shown.append(dataclasses.replace(panel, legend=task.label.full_legend()))
    sheet = contact_sheet(shown)
    padding = [(0, side % 2) for side in sheet.shape[:2]]
    return np.pad(sheet, [*padding, (0, 0)], constant_values=255)


def _last_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
