"""The state before the first step."""

import jax
import numpy as np
import pytest

from helpers import tiny_config
from helpers.networks import make_solver
from ubernet_jax import config as c
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.network import SHARED
from ubernet_jax.training.state import abstract_state, create_state


def test_every_task_has_a_log_variance_with_uncertainty_only():
    config = c.Config(tasks={'depth': c.Normals()}, loss=c.LossConfig(uncertainty=True))
    params = abstract_state(config, make_solver(config)).params
    assert params['depth'][LOG_VARIANCE].shape == ()
    assert LOG_VARIANCE not in params[SHARED]
    config.loss.uncertainty = False
    assert LOG_VARIANCE not in abstract_state(config, make_solver(config)).params['depth']


@pytest.mark.slow
def test_the_first_state_is_that_of_the_seed_and_has_the_abstract_shapes():
    config = tiny_config.get_config()
    solver = make_solver(config)
    state, same = create_state(config, solver), create_state(config, solver)
    jax.tree.map(np.testing.assert_array_equal, state, same)
    assert int(state.step) == 0
    assert not any(int(group.count) or int(group.updates) for group in state.groups.values())

    def compare(actual: jax.Array, wanted: jax.ShapeDtypeStruct) -> None:
        assert (actual.shape, actual.dtype) == (wanted.shape, wanted.dtype)

    jax.tree.map(compare, state, abstract_state(config, solver))
