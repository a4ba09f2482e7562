"""Moving averages of the parameters: when they move, how far, and what a checkpoint has."""

import jax
import jax.numpy as jnp
import numpy as np

from helpers import tiny_config
from helpers.networks import make_solver
from ubernet_jax import config as c
from ubernet_jax.network import SHARED
from ubernet_jax.training.asynchronous import GroupState
from ubernet_jax.training.averages import advance_averages
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.state import TrainState, abstract_state
from ubernet_jax.weights.trained import open_checkpoint


def make_state(value: float, averages: dict, **updates: int) -> TrainState:
    """A state whose parameters all have a value, and whose groups have made so many updates."""
    zero = jnp.zeros(())
    return TrainState(
        step=zero,
        params={name: {'kernel': jnp.full(2, value)} for name in updates},
        batch_stats={},
        groups={name: GroupState(zero, {}, jnp.int32(n), ()) for name, n in updates.items()},
        rng=zero,
        averages=averages,
    )


def test_an_average_moves_with_the_updates_of_its_group_and_at_first_faster():
    averages = {name: {'kernel': jnp.zeros(2)} for name in ('often', 'rarely')}
    before = make_state(0.0, averages, often=0, rarely=0)
    wanted, decays = 0.0, []
    for step in range(1, 41):
        after = make_state(float(step), averages, often=step, rarely=step // 40)
        averages = advance_averages(0.75, before, after)
        before = after
        decays.append(min(0.75, (1 + step) / (10 + step)))
        wanted = decays[-1] * wanted + (1 - decays[-1]) * step
        np.testing.assert_allclose(averages['often']['kernel'], wanted, rtol=1e-5)
        if step < 40:
            assert not averages['rarely']['kernel'].any()
    assert decays[0] == 2 / 11 and decays[-1] == 0.75
    np.testing.assert_allclose(averages['rarely']['kernel'], 40 * 9 / 11, rtol=1e-5)


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
