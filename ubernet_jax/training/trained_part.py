"""The part of the parameters that training changes: all but the modules of frozen blocks.

Only this part is differentiated, summed, updated and averaged.
"""

from collections.abc import Mapping
from typing import Any

from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.network import SHARED, Params


def trained_part(model: ModelConfig, params: Params) -> Params:
    """Returns the parameters without frozen modules; a trunk that is frozen as a whole is absent.

    Args:
      model: settings of the trunk, with the number of its frozen blocks.
      params: parameters by group.
    """
    frozen = TRUNKS[model.trunk].frozen(model.frozen_blocks)
    trunk = {name: tree for name, tree in params[SHARED]['trunk'].items() if name not in frozen}
    heads = {group: tree for group, tree in params.items() if group != SHARED}
    return {SHARED: {'trunk': trunk}, **heads} if trunk else heads


def join(tree: Any, part: Any) -> Any:
    """Returns a tree of dicts in which the leaves of `part` replace those of the same path."""
    if not isinstance(part, Mapping):
        return part
    return {**tree, **{name: join(tree[name], branch) for name, branch in part.items()}}
