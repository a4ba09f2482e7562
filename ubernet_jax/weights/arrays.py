"""Names of the arrays of a network: their paths in the trees of parameters and statistics."""

from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax

from ubernet_jax.config import Config
from ubernet_jax.network import Params, init_variables

PARAMS, BATCH_STATS = 'params', 'batch_stats'  # the first part of every name


def network_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every array of the network that a configuration describes, by name."""
    abstract = flatten(*jax.eval_shape(lambda: init_variables(config, jax.random.PRNGKey(0))))
    return {name: leaf.shape for name, leaf in abstract.items()}


def flatten(params: Params, batch_stats: dict) -> dict[str, Any]:
    """Returns the leaves of both trees by name."""
    return flax.traverse_util.flatten_dict({PARAMS: params, BATCH_STATS: batch_stats}, sep='/')


def unflatten(arrays: Mapping[str, Any]) -> tuple[Params, dict]:
    """Inverts `flatten`."""
    tree = flax.traverse_util.unflatten_dict(dict(arrays), sep='/')
    return tree[PARAMS], tree[BATCH_STATS]
