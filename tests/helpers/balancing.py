"""Weights of every balancing method, through the function that training uses."""

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
