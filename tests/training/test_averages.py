"""Moving averages of the parameters: when they move, how far, and what a checkpoint has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import tiny_config
from helpers.networks import make_solver
from ubernet_jax import config as c
from ubernet_jax.network import SHARED
from ubernet_jax.training.asynchronous import GroupState
from ubernet_jax.training.averages import advance_averages
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.state import abstract_state
from ubernet_jax.weights.trained import open_checkpoint


def updated(**updates: int) -> dict[str, GroupState]:
    """The state of groups that have made so many updates."""
    zero = jnp.zeros(())
    return {name: GroupState(zero, {}, jnp.int32(n), ()) for name, n in updates.items()}


def test_an_average_moves_with_the_updates_of_its_group_and_at_first_faster():
    averages = {name: {'kernel': jnp.zeros(2)} for name in ('often', 'rarely')}
    before = updated(often=0, rarely=0)
    wanted, kept = 0.0, []
    for step in range(1, 41):
        params = {name: {'kernel': jnp.full(2, float(step))} for name in averages}
        after = updated(often=step, rarely=step // 40)
        averages = advance_averages(0.75, averages, params, before, after)
        before = after
        decay = min(0.75, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * step
        kept.append(decay)
        assert averages['often']['kernel'] == pytest.approx(wanted, rel=1e-5)
        if step < 40:
            assert not averages['rarely']['kernel'].any()
    assert kept[0] == pytest.approx(2 / 11) and kept[-1] == 0.75
    assert averages['rarely']['kernel'] == pytest.approx(40 * 9 / 11)


def test_a_checkpoint_has_the_averages_to_predict_and_the_parameters_to_go_on(tmp_path):
    config = tiny_config.get_config()
    config.optim.ema = 0.9
    solver = make_solver(config)
    rng = np.random.default_rng(0)
    state = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(size=leaf.shape), leaf.dtype),
        abstract_state(config, solver),
    )
    assert state.averages.keys() == state.params.keys()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state, config)
    checkpoints.finish()
    jax.tree.map(
        np.testing.assert_array_equal, checkpoints.restore(config, int(state.step), solver), state
    )
    jax.tree.map(np.testing.assert_array_equal, open_checkpoint(tmp_path).params, state.averages)


def test_a_frozen_trunk_has_no_average():
    config = tiny_config.get_config()
    config.optim.ema = 0.9
    config.model = c.ModelConfig(
        trunk=c.Trunk.VIT_SMALL_PATCH14_REG4_DINOV2,
        scales=1,
        frozen_blocks=12,
        initialisation=c.Initialisation.RANDOM,
    )
    state = abstract_state(config, make_solver(config))
    assert state.averages.keys() == set(config.tasks) == set(state.params) - {SHARED}
    assert state.predicting_params[SHARED] is state.params[SHARED]
