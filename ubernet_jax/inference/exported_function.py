"""A trained network as a function of arrays, which exported programs compute."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import flax.traverse_util
import jax
import numpy as np

from ubernet_jax.inference.predictor import apply
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.weights.exported import TrainedNetwork


def make_function(
    trained: TrainedNetwork, tasks: tuple[str, ...]
) -> tuple[Callable[..., dict[str, Any]], dict[str, np.ndarray]]:
    """Returns the function, and its weights.

    Args:
      trained: the network.
      tasks: names of the tasks to export.

    Returns:
      A function of weights and an image uint8 (N, H, W, 3), which maps tasks to arrays (see
      `Task.exported`); and the weights by their path in the tree.
    """
    network = make_network(trained.config)
    params = {name: trained.params[name] for name in (SHARED, *tasks)}
    tree = jax.device_get({'params': params, 'batch_stats': trained.batch_stats})
    weights = cast(dict[str, np.ndarray], flax.traverse_util.flatten_dict(tree, sep='/'))

    def run(weights: Mapping[str, jax.Array | np.ndarray], image: jax.Array) -> dict[str, Any]:
        tree = flax.traverse_util.unflatten_dict(dict(weights), sep='/')
        results = apply(network, tree['params'], tree['batch_stats'], image, tasks)
        return {name: network.tasks[name].exported(result) for name, result in results.items()}

    return run, weights
