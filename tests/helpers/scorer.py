"""Writes predictions and ground truth, and runs `python -m ubernet_jax.metrics` on them."""

import contextlib
import io
import pathlib

import numpy as np
import scipy.io
from PIL import Image

from ubernet_jax.json_file import read_json
from ubernet_jax.scoring.command import main

SHAPE = (40, 50)
XML = """<annotation><object><name>dog</name><difficult>{}</difficult><bndbox><xmin>11</xmin>
<ymin>21</ymin><xmax>30</xmax><ymax>60</ymax></bndbox></object></annotation>"""


class Scorer:
    """A folder of predictions, a folder of ground truth, and the command that scores them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.predictions, self.truths = folder / 'predictions', folder / 'truths'
        self.predictions.mkdir()
        self.truths.mkdir()
        self.json = folder / 'out' / 'scores.json'

    def run(self, task: str, *options: str) -> int:
        """Runs the command; returns its exit code."""
        paths = str(self.predictions), str(self.truths)
        return main([task, *paths, '--json', str(self.json), '--processes', '1', *options])

    def scores(self, task: str, *options: str) -> dict:
        """Runs the command; returns the JSON file that it writes."""
        assert self.run(task, *options) == 0
        return read_json(self.json)

    def error(self, task: str, *options: str) -> str:
        """Runs the command, which must fail without writing scores; returns its error message."""
        stderr, had_scores = io.StringIO(), self.json.exists()
        with contextlib.redirect_stderr(stderr):
            assert self.run(task, *options) == 2
        assert self.json.exists() == had_scores
        message = stderr.getvalue().splitlines()[-1]
        assert message.startswith('error: ')
        return message.removeprefix('error: ')


def save(path: pathlib.Path, array: np.ndarray, name: str = 'values') -> None:
    """Saves an array in the format of the suffix."""
    match path.suffix:
        case '.png':
            Image.fromarray(array).save(path)
        case '.npy':
            np.save(path, array)
        case '.npz':
            np.savez(path, **{name: array})
        case '.mat':
            scipy.io.savemat(path, {name: array})
        case suffix:
            raise ValueError(f'{suffix} is not the suffix of a map')


def line(row: int) -> np.ndarray:
    """Returns a boundary map with a horizontal line: bool `SHAPE`."""
    boundary = np.zeros(SHAPE, bool)
    boundary[row, 8:42] = True
    return boundary


def save_bsds(path: pathlib.Path, *annotators: np.ndarray) -> None:
    """Saves the boundaries of annotators as a file of BSDS500."""
    cells = np.empty((1, len(annotators)), object)
    for i, boundary in enumerate(annotators):
        cells[0, i] = {'Boundaries': boundary.astype(np.uint8), 'Segmentation': np.zeros(SHAPE)}
    scipy.io.savemat(path, {'groundTruth': cells})


def write_boundaries(scorer: Scorer, suffix: str = '.png') -> None:
    """Writes the ground truth of two images, a and b, and perfect predictions."""
    for name, row in (('a', 10), ('b', 20)):
        save_bsds(scorer.truths / f'{name}.mat', line(row), line(row))
        strength = line(row) * np.uint8(200)
        path = scorer.predictions / f'{name}{suffix}'
        save(path, strength if suffix == '.png' else strength / 255)
