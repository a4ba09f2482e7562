"""Class maps as pictures of class indices: PNG files that labels are read from, too."""

import pathlib
from typing import BinaryIO

import numpy as np
from PIL import Image


def write_index_mask(
    file: pathlib.Path | BinaryIO, classes: np.ndarray, palette: np.ndarray
) -> None:
    """Writes a PNG whose values are class indices, with a palette that viewers show.

    Args:
      file: a path or an open file.
      classes: uint8 (H, W).
      palette: uint8 (256, 3), the colour of each index.
    """
    picture = Image.fromarray(classes)
    picture.putpalette(palette.ravel().tolist())
    picture.save(file, 'png')
