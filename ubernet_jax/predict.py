"""Applies a trained network to photographs.

    python -m ubernet_jax.predict --checkpoint runs/quickstart photo.jpg --out predictions

Of a folder, every picture in it is taken. Writes to OUT/PHOTO one picture a task, `sheet.png` with
all of them, detections as `detection.json`, and `predictions.npz` with the arrays of
`structs.Predictions` at the photograph's own size. A file that cannot be read is left out and named
at the end.
"""

import argparse
import json
import pathlib
from collections.abc import Sequence

import numpy as np
import tqdm
from PIL import Image

from ubernet_jax import cli
from ubernet_jax.checkpoint import CHECKPOINT_HELP, open_checkpoint
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import find_photographs, read_photograph
from ubernet_jax.predictor import Predictor, select_tasks
from ubernet_jax.state import make_network
from ubernet_jax.structs import Detections, Predictions
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
    if predictions.detection is not None:
        class_names = predictor.network.tasks['detection'].classes
        path = out / 'detection.json'
        path.write_text(json.dumps(as_records(predictions.detection, class_names), indent=1) + '\n')
    # Not compressed: deflating the maps of a large photograph takes minutes.
    np.savez(out / 'predictions.npz', **predictions.arrays())
    return predictions


def as_records(detections: Detections, class_names: Sequence[str]) -> list[dict]:
    """Boxes in the folder layout's JSON, with scores: pixels, 0-based, x2 and y2 exclusive."""
    columns = (detections.corners, detections.classes, detections.scores)
    return [
        {'box': [round(x, 1) for x in box], 'label': class_names[index], 'score': round(score, 4)}
        for box, index, score in zip(*(column.tolist() for column in columns), strict=True)
    ]


def main() -> None:
    arguments = _parse_arguments()
    enable_compilation_cache()
    config, _, params, batch_stats = open_checkpoint(arguments.checkpoint)
    network = make_network(config)
    tasks = select_tasks(network, arguments.tasks)
    predictor = Predictor(network, config.input_size, params, batch_stats)
    folders = _folders(find_photographs(arguments.images), arguments.out)
    unreadable = []
    for folder, path in tqdm.tqdm(folders.items(), unit='photograph', disable=None):
        try:
            image = read_photograph(path)
        except UserError as error:
            unreadable.append(str(error))
            continue
        write_predictions(predictor, image, tasks, folder)
    print(f'predictions of {len(folders) - len(unreadable)} photographs: {arguments.out}')
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
    parser = argparse.ArgumentParser(
        prog='python -m ubernet_jax.predict',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('images', nargs='+', type=pathlib.Path, metavar='IMAGE',
                        help='photographs, or folders of them')  # fmt: skip
    parser.add_argument('--checkpoint', type=pathlib.Path, required=True, help=CHECKPOINT_HELP)
    parser.add_argument('--tasks', nargs='+', help='only these tasks; default: all')
    parser.add_argument('--out', type=pathlib.Path, required=True, help='folder to write to')
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main)
