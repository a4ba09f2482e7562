"""Limits of weight files: what a file may declare before a reader spends the time or memory.

With them no reader takes more than ten seconds or 2 GB: a reader holds a file and its arrays, or
its arrays in two processes.
"""

import math
import pathlib
from collections.abc import Sequence

from ubernet_jax.errors import UserError

MAX_BYTES = 900_000_000  # of a file, and of all its arrays as float32; VGG-16 has 553 MB
MAX_NAME = 1000  # bytes

_MAX_ARRAYS = 2000  # ResNet-152 has 932
_MAX_SIDES = 32  # of an array, as in Caffe
_ITEM = 4  # bytes of a float32, which narrower numbers become


def check_file(path: pathlib.Path) -> None:
    """Refuses what is not a file, or is too large.

    Raises:
      UserError: there is a folder or device of this name, or the file exceeds `MAX_BYTES`.
      FileNotFoundError: there is nothing of this name.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise UserError(f'{path} is not a file: give a weight file')
    if size > MAX_BYTES:
        raise UserError(
            f'{path} has {size / 1e6:,.0f} MB, but a weight file may have {MAX_BYTES / 1e6:,.0f}: '
            'give a file with the weights of a VGG-16 or ResNet-50 and nothing else'
        )


class Budget:
    """Counts what a file declares; every method raises a ValueError when a limit is exceeded.

    Args:
      parts: the number of parts that the reader decodes one by one.
    """

    def __init__(self, parts: int = 0):
        self._bytes, self._arrays, self._parts = MAX_BYTES, _MAX_ARRAYS, parts

    def add_array(self, name: str, shape: Sequence[int], itemsize: int) -> None:
        """Counts an array, before it is read.

        Args:
          name: of the array.
          shape: its shape, in which a side may be 0 or negative.
          itemsize: bytes of a number.
        """
        check_name(name)
        if len(shape) > _MAX_SIDES:
            raise ValueError(f'{name} has {len(shape):,} dimensions, but may have {_MAX_SIDES}')
        # NumPy also refuses empty arrays whose other sides are too large.
        self._bytes -= math.prod(abs(side) or 1 for side in shape) * max(itemsize, _ITEM)
        self._arrays -= 1
        if self._bytes < 0:
            raise ValueError(
                f'{name} of shape {tuple(shape)} exceeds the {MAX_BYTES / 1e6:,.0f} MB that all '
                'arrays of a file may have'
            )
        if self._arrays < 0:
            raise ValueError(f'it has more than {_MAX_ARRAYS:,} arrays')

    def add_part(self) -> None:
        """Counts a part of the file, before it is decoded."""
        self._parts -= 1
        if self._parts < 0:
            raise ValueError('it has more parts than a network of this format')


def check_name(name: str | memoryview) -> None:
    """Raises a ValueError for a name that is too long to be shown."""
    if len(name) > MAX_NAME:
        raise ValueError(f'a name has {len(name):,} characters, but may have {MAX_NAME:,}')
