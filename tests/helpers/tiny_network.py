"""A tiny network for the paper's tasks, for tests of inference, export and evaluation."""

import jax

from helpers import plain_network
from ubernet_jax import config as c
from ubernet_jax.network import make_network
from ubernet_jax.weights.exported import TrainedNetwork

ALWAYS_33 = c.InputSizeConfig(short_side=33, long_side=33, area=33 * 33)
DETECTOR = c.DetectionConfig(
    width=8, anchor_scales=(1.0,), train_proposals=(30, 10), test_proposals=(20, 10), min_side=1.0,
    min_score=0.0, detections=5, max_boxes=3,
)  # fmt: skip


def make_tasks(*names: str) -> dict[str, c.Task]:
    """Makes the named tasks of the paper, by default all, with a tiny detector."""
    tasks = {name: c.PAPER[name]() for name in names or c.PAPER}
    if 'detection' in tasks:
        tasks['detection'].detector = DETECTOR
    return tasks


def make_trained() -> TrainedNetwork:
    """Makes a network with random weights and a single scale.

    Every image enters at 33x33 pixels, so that the network is compiled only once.
    """
    config = c.Config(
        name='tiny',
        steps=3,
        tasks=make_tasks(),
        model=c.ModelConfig(width=1 / 16, scales=1),
        input_size=ALWAYS_33,
    )
    params, stats = plain_network.random_variables(make_network(config))
    params['detection'] = jax.tree.map(lambda leaf: 0.01 * leaf, params['detection'])  # small moves
    return TrainedNetwork(config, 3, params, stats)
