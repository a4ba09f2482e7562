"""Large kernels in 8 bits: an integer for every number, and a scale for every output channel."""

from collections.abc import Mapping

import numpy as np

LARGE = 1_000_000  # numbers of a kernel from which on 8 bits are worth it
_SCALE = ':scale'  # at the end of the name of the scales
_LARGEST = 127


def quantise(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Replaces every float array (..., C) of at least `LARGE` numbers and two axes.

    Its name then has int8 (..., C), and NAME:scale float32 (C,), the value of the integer 1. The
    largest number of a channel is the integer 127 or -127, so that the others are rounded to
    1 / 127 of it.
    """
    quantised = {}
    for name, array in arrays.items():
        if array.size < LARGE or array.ndim < 2:
            quantised[name] = array
            continue
        scale = _round_up(np.abs(array).max(tuple(range(array.ndim - 1))) / _LARGEST)
        integers = np.rint(array / np.where(scale == 0, 1, scale))
        quantised |= {name: integers.astype(np.int8), name + _SCALE: scale}
    return quantised


def _round_up(scale: np.ndarray) -> np.ndarray:
    """Rounds to 12 bits, so that restored arrays are exact, and quantised again are the same."""
    mantissa, exponent = np.frexp(scale)
    return np.ldexp(np.ceil(mantissa * 2**12) / 2**12, exponent).astype(np.float32)


def is_quantised(name: str, array: np.ndarray) -> bool:
    """Whether an array is a part of what `quantise` made."""
    return array.dtype == np.int8 or name.endswith(_SCALE)


def restore(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns float32 arrays under the names that `quantise` was given.

    Raises:
      KeyError: the scales of an array are missing.
    """
    return {
        name: array.astype(np.float32) * (arrays[name + _SCALE] if array.dtype == np.int8 else 1)
        for name, array in arrays.items()
        if not name.endswith(_SCALE)
    }
