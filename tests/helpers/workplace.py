"""Folders of predictions and ground truth, and the command run on them."""

import json
import pathlib

import numpy as np
import scipy.io
from PIL import Image

from ubernet_jax.scoring.command import main

SHAPE = (40, 50)
XML = """<annotation><object><name>dog</name><difficult>{}</difficult><bndbox><xmin>11</xmin>
<ymin>21</ymin><xmax>30</xmax><ymax>60</ymax></bndbox></object></annotation>"""


class Workplace:
    """A folder with predictions and ground truth, and the command run on them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.predictions, self.truths = folder / 'predictions', folder / 'truths'
        self.predictions.mkdir()
        self.truths.mkdir()
        self.json = folder / 'out' / 'scores.json'

    def run(self, task: str, *options: str) -> int:
        paths = str(self.predictions), str(self.truths)
        return main([task, *paths, '--json', str(self.json), '--processes', '1', *options])

    def scores(self, task: str, *options: str) -> dict:
        assert self.run(task, *options) == 0
        return json.loads(self.json.read_text())


def save(path: pathlib.Path, array: np.ndarray, name: str = 'values') -> None:
    match path.suffix:
        case '.png':
            Image.fromarray(array).save(path)
        case '.npy':
            np.save(path, array)
        case '.npz':
            np.savez(path, **{name: array})
        case '.mat':
            scipy.io.savemat(path, {name: array})


def line(row: int) -> np.ndarray:
    boundary = np.zeros(SHAPE, bool)
    boundary[row, 8:42] = True
    return boundary


def save_bsds(path: pathlib.Path, *annotators: np.ndarray) -> None:
    cells = np.empty((1, len(annotators)), object)
    for i, boundary in enumerate(annotators):
        cells[0, i] = {'Boundaries': boundary.astype(np.uint8), 'Segmentation': np.zeros(SHAPE)}
    scipy.io.savemat(path, {'groundTruth': cells})


def write_boundaries(place: Workplace, suffix: str = '.png') -> None:
    for name, row in (('a', 10), ('b', 20)):
        save_bsds(place.truths / f'{name}.mat', line(row), line(row))
        strength = line(row) * np.uint8(200)
        save(
            place.predictions / f'{name}{suffix}',
            strength if suffix == '.png' else strength / 255,
        )
