"""Predicts with a trained network for photographs and videos.

    ubernet predict photo.jpg
    ubernet predict --checkpoint runs/quickstart photo.jpg --out predictions

The network is the one in the package (extra `reference`), or that of --checkpoint.
A folder stands for all pictures in it; a quoted pattern such as 'trip/**/*.jpg' stands for all
files that it matches. For each photograph it writes to OUT/PHOTO: a picture for each task,
`sheet.png` with all pictures, class maps as `TASK.index.png` (the class index of each pixel),
detections as `TASK.json`, and with --arrays `predictions.npz`, the results as arrays at the size of
the photograph, which `python -m ubernet_jax.metrics` can score. For each video (extra `video`) it
writes OUT/VIDEO/sheet.mp4, and prints how many frames were read. Of an earlier prediction in
OUT/PHOTO, the files that are not replaced are removed and named. Files that cannot be read, or
whose folder another command is writing to, are skipped and listed at the end.
"""

import argparse
import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.batches import default_batch, map_ahead
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.inference.videos import ENDINGS, FrameCount, predict_video
from ubernet_jax.inference.views import add_view_options
from ubernet_jax.locks import lock_folder
from ubernet_jax.photographs import find_photographs, read_photograph
from ubernet_jax.progress import Progress
from ubernet_jax.tasks import select_tasks
from ubernet_jax.visualize import Style
from ubernet_jax.weights.reference import REFERENCE
from ubernet_jax.weights.trained import CHECKPOINT_HELP
from ubernet_jax.weights.urls import refuse_url

_ADVICE = 'wait until it ends, or give another --out'


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    enable_compilation_cache()
    net = UberNet.load(options.checkpoint, notices=True, flip=options.flip, scales=options.scales)
    tasks = select_tasks(net.tasks, options.tasks)
    for path in options.images:
        refuse_url(path)
    folders = _folders(find_photographs(options.images), options.out)
    style = Style(safe_colours=options.safe_colours)
    videos = {f: path for f, path in folders.items() if path.suffix.lower() in ENDINGS}
    photographs = {f: path for f, path in folders.items() if f not in videos}
    batch = options.batch or default_batch()
    left_out = []
    with Progress('file', len(folders)) as progress:
        predicted = itertools.chain(
            _predict_photographs(net, photographs, tasks, batch, options.arrays, style),
            _predict_videos(net, videos, tasks, batch, options.every, style),
        )
        for report in predicted:
            if isinstance(report, UserError):
                left_out.append(str(report))
            else:
                progress.write(report)
            progress.advance()
    print(f'predictions of {len(folders) - len(left_out)} files: {options.out}')
    if left_out:
        raise UserError('\n  '.join([f'{len(left_out)} files were left out:', *left_out]))
    print(cli.suggest('demo', '--checkpoint', options.checkpoint, tasks=net.tasks))


def _predict_photographs(
    net: UberNet,
    paths: Mapping[pathlib.Path, pathlib.Path],
    tasks: Sequence[str],
    batch: int,
    arrays: bool,
    style: Style,
) -> Iterator[str | UserError]:
    """Predicts for the photographs of output folders; yields a report or an error for each.

    Photographs are read and files are written by other threads than the one that predicts.
    """
    failed: list[UserError] = []

    def read(path: pathlib.Path) -> np.ndarray | UserError:
        try:
            return read_photograph(path)
        except UserError as error:
            return error

    def save(predicted: tuple[pathlib.Path, Predictions]) -> str | UserError:
        folder, predictions = predicted
        try:
            with lock_folder(folder, _ADVICE):
                return str(predictions.save(folder, arrays=arrays, style=style))
        except UserError as error:
            return error

    def readable() -> Iterator[tuple[pathlib.Path, np.ndarray]]:
        images = map_ahead(read, paths.values(), ahead=2 * batch)
        for folder, image in zip(paths, images, strict=True):
            if isinstance(image, UserError):
                failed.append(image)
            else:
                yield folder, image

    yield from map_ahead(save, net.predict_each(readable(), tasks, batch), ahead=batch)
    yield from failed


def _predict_videos(
    net: UberNet,
    paths: Mapping[pathlib.Path, pathlib.Path],
    tasks: Sequence[str],
    batch: int,
    every: int,
    style: Style,
) -> Iterator[str | UserError]:
    """Predicts for the videos of output folders; yields a report or an error for each."""
    for folder, path in paths.items():
        out = folder / 'sheet.mp4'
        try:
            with lock_folder(folder, _ADVICE):
                frames = predict_video(net, path, tasks, out, every=every, batch=batch, style=style)
            yield _describe(path, frames)
        except UserError as error:
            yield error


def _folders(images: Sequence[pathlib.Path], out: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """Maps a folder in `out`, named after the image, to each image; refuses equal names."""
    folders = {}
    for path in images:
        # A stem of dots only, as of the file `...png`, is no name for a folder.
        folder = out / (path.stem if path.stem.strip('.') else path.name)
        if not path.name.strip('.'):
            raise UserError(f'{path} does not name a file: give the path of a picture or video')
        if folder in folders:
            raise UserError(
                f'{folders[folder]} and {path} would both be written to {folder}: '
                'predict them in separate runs with different --out'
            )
        folders[folder] = path
    return folders


def _describe(path: pathlib.Path, frames: FrameCount) -> str:
    text = f'{path}: {frames.read} frames read'
    if frames.ended_early:
        text += (
            f'; it ended early: by its header it has about {frames.announced}. If it is cut short, '
            'copy or save it again'
        )
    return text


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('predict')
    parser.add_argument('images', nargs='+', type=pathlib.Path, metavar='IMAGE',
                        help='photographs, videos (extra `video`), folders of pictures, or quoted '
                        "patterns such as 'trip/**/*.jpg'")  # fmt: skip
    parser.add_argument(
        '--checkpoint',
        type=pathlib.Path,
        default=pathlib.Path(REFERENCE),
        metavar='RUN',
        help=f'{CHECKPOINT_HELP} (default: %(default)s)',
    )
    parser.add_argument('--tasks', nargs='+', metavar='TASK', help='only these tasks; default: all')
    parser.add_argument('--every', type=cli.positive_integer, default=1, metavar='N',
                        help='predict for every N-th frame of a video')  # fmt: skip
    parser.add_argument('--batch', type=cli.positive_integer, metavar='N',
                        help='predict for N photographs of similar size at once; default: 1 on a '
                             'CPU, else 4')  # fmt: skip
    add_view_options(parser)
    parser.add_argument('--arrays', action='store_true',
                        help='also write the results as arrays, predictions.npz')  # fmt: skip
    parser.add_argument('--safe-colours', action='store_true',
                        help='draw the classes of PASCAL VOC, too, in colours for colour-blind '
                             'viewers')  # fmt: skip
    parser.add_argument('--out', type=pathlib.Path, default=pathlib.Path('predictions'),
                        metavar='DIR',
                        help='folder to write to: DIR/PHOTO has a picture for each task, and '
                             'sheet.png with all of them (default: %(default)s)')  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == '__main__':
    cli.run(main)
