"""A tiny network for all tasks, to test what a trained one is used for."""

import jax
import plain_network

from ubernet_jax.config import Config, DetectionConfig, InputSizeConfig, ModelConfig, TaskConfig
from ubernet_jax.models.ubernet import make_network
from ubernet_jax.tasks import TASKS
from ubernet_jax.weights.exported import TrainedNetwork

ALWAYS_33 = InputSizeConfig(short_side=33, long_side=33, area=33 * 33)


def make_trained() -> TrainedNetwork:
    """Random weights, one scale; every image enters at 33x33, so it is compiled once."""
    detector = DetectionConfig(
        width=8, anchor_scales=(1.0,), test_proposals=(20, 10), min_side=1.0, min_score=0.0,
        detections=5,
    )  # fmt: skip
    config = Config(
        name='tiny',
        tasks={name: TaskConfig() for name in TASKS},
        model=ModelConfig(width=1 / 16, scales=1, detection=detector),
        input_size=ALWAYS_33,
    )
    params, stats = plain_network.random_variables(make_network(config))
    params['detection'] = jax.tree.map(lambda leaf: 0.01 * leaf, params['detection'])  # small moves
    return TrainedNetwork(config, 3, params, stats)
