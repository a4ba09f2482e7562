"""Weights of every balancing method, through the function that training uses; gradients."""

import itertools

import jax
import numpy as np

from ubernet_jax.config import Balancing, BalancingConfig
from ubernet_jax.training.combination import find_weights

METHODS = {
    method.value: jax.jit(find_weights(BalancingConfig(method=method)))
    for method in Balancing
    if method is not Balancing.NONE
}


def weigh(method: str, gradients: object, key: jax.Array | None = None) -> np.ndarray:
    """The weights (K,) of gradients (K, D)."""
    gradients = np.array(gradients, np.float32)
    key = jax.random.PRNGKey(0) if key is None else key
    return np.asarray(METHODS[method](gradients @ gradients.T, key))


def random_gradients(seed: int) -> np.ndarray:
    """Four gradients (4, 6) of different lengths, float64."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, 6)) * rng.uniform(0.3, 3, (4, 1))


def special_gradients(kind: str, seed: int, count: int) -> np.ndarray:
    """Gradients (count, D) of length at most 1, float64, which are hard for a solver."""
    rng = np.random.default_rng(seed)
    gradients = rng.normal(size=(count, 4 * count)) * rng.uniform(0.2, 3, (count, 1))
    match kind:
        case 'plane':  # more gradients than dimensions; 0 is often among their combinations
            gradients = rng.normal(size=(count, 2))
        case 'equal':
            gradients[-1] = gradients[0]
        case 'parallel':
            gradients[-1] = 3 * gradients[0]
        case 'opposite':
            gradients[-1] = -gradients[0]
        case 'similar':
            gradients = gradients[0] + 0.01 * gradients
        case 'lengths':
            gradients *= 10 ** rng.uniform(-3, 3, (count, 1))
        case 'empty':
            gradients[1] = 0
    return gradients / np.linalg.norm(gradients, axis=1).max()


def shortest_combination(gradients: np.ndarray) -> float:
    """The length of the shortest convex combination of gradients (K, D), K up to 7.

    For every set of gradients, the shortest affine combination is computed. That of one set has no
    negative weight, and is the shortest convex combination.
    """
    lengths = []
    for size in range(1, len(gradients) + 1):
        for chosen in itertools.combinations(range(len(gradients)), size):
            first, edges = gradients[chosen[0]], gradients[[*chosen[1:]]] - gradients[chosen[0]]
            shares = -first @ np.linalg.pinv(edges, rcond=1e-10)
            if shares.min(initial=0) > -1e-9 and shares.sum() < 1 + 1e-9:
                lengths.append(float(np.linalg.norm(first + shares @ edges)))
    return min(lengths)
