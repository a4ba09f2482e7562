"""Writes a boundary map for each of the 200 test images of BSDS500."""

import pathlib
from collections.abc import Callable

import numpy as np
import tqdm
from PIL import Image

from ubernet_jax.errors import UserError


def test_images(source: pathlib.Path) -> list[pathlib.Path]:
    """Returns the paths of the test images, sorted by name.

    Args:
      source: the folder `BSDS500`, as downloaded.

    Raises:
      UserError: there are no test images.
    """
    folder = source / 'data' / 'images' / 'test'
    paths = sorted(folder.glob('*.jpg'))
    if not paths:
        raise UserError(f'{folder} contains no .jpg file: --source takes the folder BSDS500')
    return paths


def write_maps(
    detect: Callable[[np.ndarray], np.ndarray], source: pathlib.Path, out: pathlib.Path
) -> None:
    """Writes `OUT/ID.png`, 8 bits, for each test image.

    Args:
      detect: maps an image uint8 (H, W, 3) to the strength of its boundaries (H, W), 0..1.
      source: the folder `BSDS500`.
      out: output folder, created if needed.
    """
    out.mkdir(parents=True, exist_ok=True)
    for path in tqdm.tqdm(test_images(source), unit='image'):
        strength = detect(read_image(path))
        Image.fromarray(np.rint(strength * 255).astype(np.uint8)).save(out / f'{path.stem}.png')


def read_image(path: pathlib.Path) -> np.ndarray:
    """Reads an image as RGB, uint8 (H, W, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB'))
