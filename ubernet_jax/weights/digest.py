"""Digests of arrays: the identity of a network, and what tells whether a file was damaged."""

import functools
import hashlib
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np


def digest_arrays(arrays: Mapping[str, Any]) -> str:
    """Returns 16 hexadecimal digits that change with any bit of any array.

    The digest of all parameters and statistics is the identity of a network; a network exported in
    another precision is another network.

    Args:
      arrays: numpy or JAX arrays by name.
    """
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        array = np.ascontiguousarray(array)
        digest.update(f'{name} {array.dtype} {array.shape}'.encode())
        digest.update(array.view(np.uint8).data)
    return digest.hexdigest()[:16]


@functools.cache
def note_without_digests(path: pathlib.Path) -> None:
    """Says, once for each file or folder, that an earlier version wrote it without digests."""
    print(
        f'{path} was written without digests, by an earlier version: it is not checked for damage',
        file=sys.stderr,
        flush=True,
    )
