"""Applies a trained network to photographs.

    python -m ubernet_jax.predict --checkpoint runs/quickstart photo.jpg --out predictions

Writes to OUT/PHOTO one picture a task, `sheet.png` with all of them, and `predictions.npz` with the
arrays of `structs.Predictions` at the photograph's own size.
"""

import argparse
import pathlib
from collections.abc import Sequence

import numpy as np
import tqdm
from PIL import Image

from ubernet_jax import cli
from ubernet_jax.checkpoint import CHECKPOINT_HELP, open_checkpoint
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import read_photograph
from ubernet_jax.predictor import Predictor, select_tasks
from ubernet_jax.state import make_network
from ubernet_jax.structs import Predictions
from ubernet_jax.visualize import Panel, contact_sheet, panel


def write_predictions(
    predictor: Predictor, image: np.ndarray, tasks: Sequence[str], out: pathlib.Path
) -> Predictions:
    """Predicts, and writes the pictures and arrays of one photograph.

    Args:
      predictor: the trained network.
      image: uint8 (H, W, 3).
      tasks: names of the network's tasks.
      out: folder to write to; made if it is not there.
    """
    predictions = predictor(image, tasks)
    out.mkdir(parents=True, exist_ok=True)
    rows = [predictor.network.tasks[name] for name in tasks]
    panels = [panel(row, predictions, image) for row in rows]
    for row, drawn in zip(rows, panels, strict=True):
        Image.fromarray(drawn.picture).save(out / f'{row.name}.png')
    sheet = contact_sheet([Panel(caption='photograph', picture=image), *panels])
    Image.fromarray(sheet).save(out / 'sheet.png')
    # Not compressed: deflating the maps of a large photograph takes minutes.
    np.savez(out / 'predictions.npz', **predictions.arrays())
    return predictions


def main() -> None:
    arguments = _parse_arguments()
    enable_compilation_cache()
    config, _, params, batch_stats = open_checkpoint(arguments.checkpoint)
    network = make_network(config)
    tasks = select_tasks(network, arguments.tasks)
    predictor = Predictor(network, config.input_size, params, batch_stats)
    folders = _folders(arguments.images, arguments.out)
    for folder, path in tqdm.tqdm(folders.items(), unit='photograph', disable=None):
        write_predictions(predictor, read_photograph(path), tasks, folder)
    print(f'predictions: {arguments.out}')


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
    parser = argparse.ArgumentParser(
        prog='python -m ubernet_jax.predict',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('images', nargs='+', type=pathlib.Path, metavar='IMAGE')
    parser.add_argument('--checkpoint', type=pathlib.Path, required=True, help=CHECKPOINT_HELP)
    parser.add_argument('--tasks', nargs='+', help='only these tasks; default: all')
    parser.add_argument('--out', type=pathlib.Path, required=True, help='folder to write to')
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main)
