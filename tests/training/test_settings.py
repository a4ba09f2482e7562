"""The settings that a training step is compiled for."""

import jax
import jax.numpy as jnp
import pytest

from ubernet_jax import config as c
from ubernet_jax.network import make_network
from ubernet_jax.training.combination import Combination
from ubernet_jax.training.settings import make_step_settings


def make_config(**settings: object) -> c.Config:
    return c.Config(tasks={'normals': c.Normals()}, **settings)


def test_settings_of_the_paper():
    config = make_config(steps=8)
    network = make_network(config)
    settings = make_step_settings(config, network)
    assert settings.network is network
    assert isinstance(settings.combination, Combination)
    assert settings.algorithm is c.Algorithm.ASYNCHRONOUS
    assert (settings.micro_batches, settings.uncertainty, settings.fading_steps) == (1, False, None)


def test_settings_follow_the_configuration():
    config = make_config(
        steps=8,
        optim=c.OptimConfig(algorithm=c.Algorithm.SYNCHRONOUS),
        loss=c.LossConfig(graduated=True, uncertainty=True),
        data=c.DataConfig(micro_batches_per_step=4),
    )
    settings = make_step_settings(config, make_network(config))
    assert settings.algorithm is c.Algorithm.SYNCHRONOUS
    assert (settings.micro_batches, settings.uncertainty, settings.fading_steps) == (4, True, 8)


@pytest.mark.parametrize(
    ('graduated', 'weights'), [(False, [1, 1, 1, 1]), (True, [1, 0.75, 0.5, 0])]
)
def test_losses_of_single_scales_fade_over_the_run_if_they_are_graduated(graduated, weights):
    config = make_config(steps=8, loss=c.LossConfig(graduated=graduated))
    settings = make_step_settings(config, make_network(config))
    steps = jnp.array([0, 2, 4, 8])
    assert jax.vmap(settings.scale_weight)(steps).tolist() == weights


def test_the_combination_is_that_of_the_balancing_method():
    """Slots are at most as many as tasks."""
    balancing = c.BalancingConfig(method=c.Balancing.PCGRAD, tasks=4)
    config = make_config(steps=8, optim=c.OptimConfig(balancing=balancing))
    combination = make_step_settings(config, make_network(config)).combination
    accumulator = combination.init({'fc7': jnp.zeros((2, 3))})
    assert accumulator.sums['fc7'].shape == (1, 2, 3)
