"""The identity of a network: a digest of its parameters and statistics."""

import hashlib

import numpy as np

from ubernet_jax.network import Params
from ubernet_jax.weights.exported import flatten


def network_digest(params: Params, batch_stats: dict) -> str:
    """Returns 16 hexadecimal digits that change with any bit of any array.

    A network exported in another precision is another network.
    """
    digest = hashlib.sha256()
    for name, array in sorted(flatten(params, batch_stats).items()):
        array = np.ascontiguousarray(array)
        digest.update(f'{name} {array.dtype} {array.shape}'.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]
