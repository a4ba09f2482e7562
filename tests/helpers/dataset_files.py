"""Files of tiny datasets: images, label maps, lists, JSON, annotations of VOC and BSDS500."""

import json
import pathlib

import numpy as np
import scipy.io
from PIL import Image

_PALETTE = np.arange(768, dtype=np.uint8).tolist()


def random_image(path: pathlib.Path, height: int, width: int) -> np.ndarray:
    """Writes random pixels, which depend on the size and the name of the file, to `path`.

    Returns the pixels of the file, which may be a JPEG.
    """
    rng = np.random.default_rng([height, width, *path.stem.encode()])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return np.asarray(Image.open(path))


def save_map(path: pathlib.Path, label: np.ndarray, palette: bool = False) -> np.ndarray:
    """Writes a label map as a grey or palette PNG; returns it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(label)
    if palette:
        picture.putpalette(_PALETTE)
    picture.save(path)
    return label


def save_list(path: pathlib.Path, ids: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(ids) + '\n')


def write_json(path: pathlib.Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_ground_truth(path: pathlib.Path, annotators: np.ndarray) -> None:
    """Writes a cell array with a struct per annotator, as in BSDS500."""
    cells = np.empty((1, len(annotators)), object)
    for index, boundaries in enumerate(annotators):
        segments = np.ones(boundaries.shape, np.uint16)
        cells[0, index] = {'Segmentation': segments, 'Boundaries': boundaries}
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {'groundTruth': cells})


def write_annotation(path: pathlib.Path, *objects: tuple[str, str, str, str, str, int]) -> None:
    """Writes VOC's XML of objects name, xmin, ymin, xmax, ymax, difficult; persons have a part."""
    lines = ['<annotation><size><width>40</width><height>30</height><depth>3</depth></size>']
    part = '<part><name>head</name><bndbox><xmin>7</xmin><ymax>9</ymax></bndbox></part>'
    for name, xmin, ymin, xmax, ymax, difficult in objects:
        lines += [
            f'<object><name>{name}</name><pose>Left</pose><truncated>1</truncated>',
            f'<difficult>{difficult}</difficult><bndbox><xmax>{xmax}</xmax><xmin>{xmin}</xmin>',
            f'<ymax>{ymax}</ymax><ymin>{ymin}</ymin></bndbox>',
            f'{part if name == "person" else ""}</object>',
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join([*lines, '</annotation>']))
