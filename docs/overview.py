"""Draws the picture at the top of the README.

    .venv/bin/python docs/overview.py
    .venv/bin/python docs/overview.py --checkpoint runs/my --out my.png photo.jpg

Above: which dataset labels which task. Below: all tasks for photographs, by the network that was
trained on these datasets. The default photographs come with scikit-image: the astronaut is in the
public domain (NASA), cat and coffee are CC0.
"""

import argparse
import io
import pathlib
import tempfile

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from ubernet_jax import UberNet, cli
from ubernet_jax.config import Config
from ubernet_jax.inference.page.samples import write_samples
from ubernet_jax.photographs import read_photograph
from ubernet_jax.weights.trained import open_checkpoint

CELL = 1.25  # inches
LEVELS = 32  # values of a channel: the file is half as large, and no value differs by more than 4
COLOUR = '#3b6fb6'


def list_labels(config: Config) -> dict[str, set[str]]:
    """Name of each dataset that the network was trained on -> the tasks that it labels there."""
    labels: dict[str, set[str]] = {}
    for dataset in config.data.train:
        name = dataset.name.removeprefix('folder/')
        labels.setdefault(name, set()).update(dataset.tasks or config.tasks)
    return labels


def draw_labels(axes: Axes, labels: dict[str, set[str]], tasks: list[str]) -> None:
    """Draws a row for each dataset, with a mark for each of its tasks."""
    for row, (name, labelled) in enumerate(labels.items()):
        axes.axhline(row, color='0.9', linewidth=1, zorder=0)
        axes.text(-0.62, row, name, ha='right', va='center', fontsize=11)
        for column, task in enumerate(tasks):
            known = task in labelled
            face = COLOUR if known else 'white'
            axes.scatter(column, row, s=95, facecolor=face, edgecolor=COLOUR if known else '0.75')
    for column, task in enumerate(tasks):
        text = task.replace('_', '\n')
        axes.text(column, -0.7, text, ha='center', va='bottom', fontsize=11)
    axes.set(xlim=(-0.5, len(tasks) - 0.5), ylim=(len(labels) - 0.4, -0.6))
    axes.axis('off')


def draw_picture(axes: Axes, picture: np.ndarray) -> None:
    """Draws the central square of a picture."""
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    axes.imshow(picture[top : top + side, left : left + side], interpolation='antialiased')
    axes.axis('off')


def save(figure: Figure, path: pathlib.Path) -> None:
    """Writes a figure as a PNG with `LEVELS` values of each channel."""
    drawn, steps = io.BytesIO(), LEVELS - 1
    figure.savefig(drawn, dpi=110, facecolor='white')
    pixels = np.asarray(Image.open(drawn).convert('RGB')) / 255
    rounded = np.rint(np.rint(pixels * steps) * 255 / steps).astype(np.uint8)
    Image.fromarray(rounded).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description='Draws the picture at the top of the README.')
    parser.add_argument('--checkpoint', type=pathlib.Path, default=pathlib.Path('reference'))
    parser.add_argument('--out', type=pathlib.Path, default=pathlib.Path('docs/overview.png'))
    parser.add_argument('photographs', type=pathlib.Path, nargs='*')
    options = parser.parse_args()
    config = open_checkpoint(options.checkpoint).config
    net, labels, tasks = UberNet.load(options.checkpoint), list_labels(config), list(config.tasks)
    with tempfile.TemporaryDirectory() as folder:
        samples = write_samples(pathlib.Path(folder), labels)
        paths = options.photographs or [sample.path for sample in samples]
        photographs = [read_photograph(path) for path in paths]

    columns, rows = len(tasks) + 1, len(photographs)
    heights = [0.28 * len(labels) + 0.5, *[CELL] * rows]
    figure = plt.figure(figsize=(CELL * columns, sum(heights)))
    grid = figure.add_gridspec(
        rows + 1, columns, height_ratios=heights, hspace=0.03, wspace=0.03,
        left=0.005, right=0.995, bottom=0.005, top=1 - 0.45 / sum(heights),
    )  # fmt: skip
    draw_labels(figure.add_subplot(grid[0, 1:]), labels, tasks)
    for row, photograph in enumerate(photographs, 1):
        predictions = net.predict(photograph)
        draw_picture(figure.add_subplot(grid[row, 0]), photograph)
        for column, task in enumerate(tasks, 1):
            draw_picture(figure.add_subplot(grid[row, column]), predictions.picture(task))
    save(figure, options.out)
    print(options.out)


if __name__ == '__main__':
    cli.run(main)
