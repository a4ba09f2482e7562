"""Measures an epoch of head training with kept features, and without.

    python -m benchmarks.kept_features --images 6

Trains one task of saliency on synthetic images of 336x336 with a frozen ViT-S/14 of random weights:
the time of the processor per image in training, fitting and collating included, decoding and
compilation not. The features are kept in a temporary folder, all before they are measured.
"""

import argparse
import functools
import json
import pathlib
import tempfile
import time

import jax
import numpy as np

from ubernet_jax import config as c
from ubernet_jax.example import Example
from ubernet_jax.labels import SoftMask
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.training.collation import collate
from ubernet_jax.training.groups import groups_of
from ubernet_jax.training.kept_features import KeptFeatures
from ubernet_jax.training.optim import make_optimizer
from ubernet_jax.training.parallel import make_mesh, shard
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.state import TrainState, create_state
from ubernet_jax.training.step import StepMetrics, train_step
from ubernet_jax.transforms.joint import fit

SIDE = 336  # pixels of an image in the network
PHOTOGRAPH = (375, 500)


def make_config() -> c.Config:
    group = {'batch_size': 1, 'learning_rate': 1e-3, 'decay_at': ()}
    return c.Config(
        steps=1,
        tasks={'saliency': c.SoftMask(**group)},
        model=c.ModelConfig(
            trunk=c.Trunk.VIT_SMALL_PATCH14_DINOV2,
            scales=1,
            frozen_blocks=12,
            initialisation=c.Initialisation.RANDOM,
            statistics=c.Statistics.RUNNING,
        ),
        optim=c.OptimConfig(optimizer=c.Optimizer.ADAMW, shared=c.GroupConfig(**group)),
        data=c.DataConfig(buckets=((SIDE, SIDE),)),
    )


def measure(images: int, keep: bool, folder: pathlib.Path) -> float:
    """Returns the seconds of processor time per image."""
    config = make_config()
    network = make_network(config)
    groups = groups_of(config.optim, config.tasks)
    optimizer = make_optimizer(config.optim, config.model, groups, dict.fromkeys(groups, 1))
    mesh, state = make_mesh(1), create_state(config, optimizer)
    kept = KeptFeatures(folder, network, state.params[SHARED])
    settings = make_step_settings(config, network)
    step = jax.jit(functools.partial(train_step, settings, optimizer, mesh), donate_argnums=0)

    def run(state: TrainState, number: int) -> tuple[TrainState, StepMetrics]:
        rng = np.random.default_rng(number)
        picture = rng.integers(0, 256, (*PHOTOGRAPH, 3), dtype=np.uint8)
        label = (picture[..., 0] > 128).astype(np.uint8) * 255
        example = Example(
            id=str(number),
            image=picture,
            labels={'saliency': label},
            kinds={'saliency': SoftMask()},
        )
        batch = collate([fit(example, (SIDE, SIDE), (1, 1), True, rng)], (SIDE, SIDE), config.tasks)
        if keep:
            batch = kept.add_to(batch, state.params[SHARED])
        return step(state, shard(mesh, [batch], lambda batch: batch))

    for number in range(images if keep else 1):  # compiles, and keeps the features
        state, _ = run(state, number)
    jax.block_until_ready(state)
    start = time.process_time()
    for number in range(images):
        state, _ = run(state, number)
    jax.block_until_ready(state)
    return (time.process_time() - start) / images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = {
            name: measure(options.images, keep, pathlib.Path(folder))
            for name, keep in (('without', False), ('kept', True))
        }
    print(json.dumps(seconds | {'ratio': seconds['without'] / seconds['kept']}))


if __name__ == '__main__':
    main()
