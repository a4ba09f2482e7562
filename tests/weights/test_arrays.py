"""Names and shapes of the arrays of a network."""

from unittest import mock

from helpers.tiny_network import make_tasks
from ubernet_jax import config as c
from ubernet_jax.weights import arrays
from ubernet_jax.weights.arrays import network_shapes

KERNEL = 'params/shared/trunk/conv1/conv1_1/kernel'


def test_a_network_is_traced_once_until_its_configuration_changes():
    model = c.ModelConfig(width=3 / 64, scales=1)  # of no other test
    config = c.Config(steps=1, seed=11, tasks=make_tasks('saliency'), model=model)
    traced = mock.Mock(wraps=arrays.init_variables)
    with mock.patch.object(arrays, 'init_variables', traced):
        narrow = network_shapes(config)
        config.seed, config.steps = 12, 2
        assert network_shapes(config) == narrow and traced.call_count == 1
        model.width = 5 / 64  # the same object, with other arrays
        wide = network_shapes(config)
    assert (narrow[KERNEL], wide[KERNEL]) == ((3, 3, 3, 3), (3, 3, 3, 5))
    assert narrow.keys() == wide.keys()
