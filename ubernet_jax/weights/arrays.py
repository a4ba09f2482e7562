"""Names of the arrays of a network: their paths in the trees of parameters and statistics."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax

from ubernet_jax.config import Config
from ubernet_jax.config.serialization import to_json
from ubernet_jax.network import Params, init_variables

PARAMS, BATCH_STATS = 'params', 'batch_stats'  # the first part of every name


@dataclasses.dataclass(frozen=True)
class _Description:
    """A configuration that equals those with the same `text`."""

    text: str
    config: Config = dataclasses.field(compare=False)


def abstract_variables(config: Config) -> tuple[Params, dict]:
    """Returns shapes and dtypes of what `init_variables` returns; callers must not change them."""
    fields = to_json([config.tasks, config.model, config.loss])
    return _trace(_Description(json.dumps(fields, default=str), config))


@functools.lru_cache(maxsize=8)  # tracing a network takes a second, and commands ask several times
def _trace(description: _Description) -> tuple[Params, dict]:
    return jax.eval_shape(lambda: init_variables(description.config, jax.random.PRNGKey(0)))


def network_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every array of the network that a configuration describes, by name."""
    abstract = flatten(*abstract_variables(config))
    return {name: leaf.shape for name, leaf in abstract.items()}


def flatten(params: Params, batch_stats: dict) -> dict[str, Any]:
    """Returns the leaves of both trees by name."""
    return flax.traverse_util.flatten_dict({PARAMS: params, BATCH_STATS: batch_stats}, sep='/')


def unflatten(arrays: Mapping[str, Any]) -> tuple[Params, dict]:
    """Inverts `flatten`."""
    tree = flax.traverse_util.unflatten_dict(dict(arrays), sep='/')
    return tree[PARAMS], tree[BATCH_STATS]
