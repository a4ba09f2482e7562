"""Videos, frame by frame: what a network sees and what it says, side by side."""

import dataclasses
import importlib.util
import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import imageio.v2 as imageio
import numpy as np
import tqdm

from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.visualize import Panel, contact_sheet

# ffmpeg is then started without a bare fork, in which a process with JAX's threads may hang.
os.environ.setdefault('IMAGEIO_FFMPEG_NO_PREVENT_SIGINT', '1')

FFMPEG = 'imageio_ffmpeg'  # of the extra `video`
ENDINGS = {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm', '.wmv'}


class Video(NamedTuple):
    """A video that is being read.

    Attributes:
      rate: frames per second.
      length: frames, about.
      frames: uint8 (H, W, 3), RGB, one after another.
    """

    rate: float
    length: int
    frames: Iterator[np.ndarray]


def predict_video(
    net: UberNet, path: pathlib.Path, tasks: Sequence[str], out: pathlib.Path, *, every: int = 1
) -> None:
    """Writes a video of contact sheets, as long as the one that it is of.

    Args:
      net: the trained network.
      path: the video; its sound is left out.
      tasks: names of the network's tasks.
      out: an .mp4 file; its folder is made.
      every: takes one frame of so many.

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
            writer.append_data(_draw_frame(net.predict(frame, tasks)))


def read_video(path: pathlib.Path) -> Video:
    """Opens a video. Raises as `predict_video`; so does reading a frame that is broken."""
    if importlib.util.find_spec(FFMPEG) is None:
        raise UserError(
            f'{path}: videos need imageio-ffmpeg, which is not installed: '
            'pip install "ubernet_jax[video]"'
        )
    if not path.is_file():
        raise UserError(f'{path}: there is no such file; check the path of the video')
    try:
        reader = imageio.get_reader(path, 'ffmpeg')
    except Exception as error:  # imageio passes on what ffmpeg says as one of several types
        raise UserError(
            f'{path}: cannot be read as a video ({_last_line(error)}); it must be a whole file of '
            'a kind that ffmpeg reads: copy or save it again, or leave it out'
        ) from error
    meta = reader.get_meta_data()
    return Video(meta['fps'], round(meta['fps'] * meta['duration']), reader.iter_data())


def _draw_frame(result: Predictions) -> np.ndarray:
    """A contact sheet of even sides, as codecs want them, and of the same size for all frames."""
    photograph, *panels = result.panels()
    drawn = [Panel(caption='video', picture=photograph.picture)]
    for task, panel in zip(result.tasks.values(), panels, strict=True):
        # All classes, whatever is to be seen: a legend that changed would change the size.
        drawn.append(dataclasses.replace(panel, legend=task.label.full_legend()))
    sheet = contact_sheet(drawn)
    odd = [(0, side % 2) for side in sheet.shape[:2]]
    return np.pad(sheet, [*odd, (0, 0)], constant_values=255)


def _last_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
