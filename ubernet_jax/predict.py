"""Applies a trained network to photographs and videos.

    python -m ubernet_jax.predict --checkpoint runs/quickstart photo.jpg --out predictions

Of a folder, every picture in it is taken; of a pattern in quotes, 'trip/**/*.jpg', every file that
it matches. Writes to OUT/PHOTO one picture a task, `sheet.png` with all of them, detections as
`TASK.json`, and `predictions.npz` with the arrays of the results at the photograph's own size; of a
video (extra `video`), OUT/VIDEO/sheet.mp4. A file that cannot be read is left out and named at the
end.
"""

import argparse
import pathlib
from collections.abc import Sequence

import tqdm

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.videos import ENDINGS, predict_video
from ubernet_jax.photographs import find_photographs
from ubernet_jax.tasks import select_tasks
from ubernet_jax.weights.trained import CHECKPOINT_HELP


def main() -> None:
    arguments = _parse_arguments()
    enable_compilation_cache()
    net = UberNet.load(arguments.checkpoint)
    tasks = select_tasks(net.tasks, arguments.tasks)
    folders = _folders(find_photographs(arguments.images), arguments.out)
    unreadable = []
    for folder, path in tqdm.tqdm(folders.items(), unit='file', disable=None):
        try:
            if path.suffix.lower() in ENDINGS:
                predict_video(net, path, tasks, folder / 'sheet.mp4', every=arguments.every)
            else:
                net.predict(path, tasks).save(folder)
        except UserError as error:
            unreadable.append(str(error))
    print(f'predictions of {len(folders) - len(unreadable)} files: {arguments.out}')
    if unreadable:
        raise UserError('\n  '.join([f'{len(unreadable)} files were left out', *unreadable]))


def _folders(images: Sequence[pathlib.Path], out: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """A folder in `out` for each image, named after it; refuses two of one name."""
    folders = {}
    for path in images:
        folder = out / path.stem
        if folder in folders:
            raise UserError(
                f'{folders[folder]} and {path} would both be written to {folder}: '
                'predict them one after another, with another --out'
            )
        folders[folder] = path
    return folders


def _parse_arguments() -> argparse.Namespace:
    parser = cli.make_parser('predict', __doc__)
    parser.add_argument('images', nargs='+', type=pathlib.Path, metavar='IMAGE',
                        help='photographs, videos, folders of pictures, patterns')  # fmt: skip
    parser.add_argument('--checkpoint', type=pathlib.Path, required=True, help=CHECKPOINT_HELP)
    parser.add_argument('--tasks', nargs='+', help='only these tasks; default: all')
    parser.add_argument('--every', type=cli.positive_integer, default=1, metavar='N',
                        help='of a video, take one frame of N')  # fmt: skip
    parser.add_argument('--out', type=pathlib.Path, required=True, help='folder to write to')
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main)
