"""Masks as run lengths in COCO's format, as a list of numbers or compressed in a text."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ubernet_jax.errors import UserError

_MAX_GROUPS = 7  # characters of 5 bits for a number; 2**32 pixels need no more


def read_runs(what: str, mask: Mapping[str, Any], size: tuple[int, int]) -> tuple[int, ...]:
    """Reads the lengths of the runs outside and inside an object, column by column.

    Args:
      what: the object, for messages.
      mask: its `counts` and `size`, height and width.
      size: height and width of its image.

    Raises:
      UserError: the size is another, or the lengths do not add up to its pixels.
    """
    counts = mask.get('counts')
    if mask.get('size') != list(size):
        raise UserError(
            f'{what} has a mask of the size {mask.get("size")!r:.50}, but its image has '
            f'{list(size)} (height, width); export both again'
        )
    if isinstance(counts, str):
        runs = _decompress(what, counts)
    elif isinstance(counts, list) and all(type(count) is int for count in counts):
        runs = counts
    else:
        raise UserError(
            f'{what} has the counts {counts!r:.50}; they must be a list of integers, or a text'
        )
    if min(runs, default=0) < 0 or sum(runs) != size[0] * size[1]:
        raise UserError(
            f'{what} has run lengths from {min(runs, default=0)} with the sum {sum(runs)}; they '
            f'must be at least 0, and their sum {size[0]} * {size[1]} = {size[0] * size[1]}'
        )
    return tuple(runs)


def _decompress(what: str, text: str) -> list[int]:
    """Decodes compressed run lengths.

    Each character has 5 bits, the lowest first, and a bit that says whether more follow; the last
    one has the sign. From the fourth number on, the difference to the number two before is stored.
    """
    codes = np.frombuffer(text.encode(errors='replace'), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(codes & 32 == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    groups = ends - starts + 1
    if (
        not len(codes)
        or codes.min() < 0
        or codes.max() > 63
        or codes[-1] & 32
        or groups.max() > _MAX_GROUPS
    ):
        raise UserError(
            f'{what} has the counts {text!r:.50}, which are not compressed run lengths of COCO; '
            'write them as a list of integers'
        )
    place = np.arange(len(codes)) - np.repeat(starts, groups)
    values = np.add.reduceat((codes & 31) << (5 * place), starts)
    values -= (codes[ends] & 16 != 0).astype(np.int64) << (5 * groups)
    for first in (1, 2):  # `values[0]` is alone: the fourth number is relative to the second
        values[first::2] = np.cumsum(values[first::2])
    return values.tolist()
