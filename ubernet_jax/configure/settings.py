"""Sizes, network and solver of a new configuration, which follow from the images and the machine.

The values for a CPU are those of `configs/mini.py`, with weights of ImageNet, and those of
`configs/quickstart.py`, without: docs/results.md has what they reach.
"""

import importlib.util

import numpy as np

from ubernet_jax.config import (
    DataConfig,
    GroupConfig,
    Initialisation,
    InputSizeConfig,
    ModelConfig,
    Statistics,
)
from ubernet_jax.configure.machine import Machine
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.weights.imagenet import IMAGENET_PACKAGE

Size = tuple[int, int]  # height, width

_LARGEST = {False: 193 * 257, True: 321 * 481}  # accelerated -> pixels of an image
_IMAGES = {False: 2, True: 4}  # accelerated -> images of a micro-batch
_ASPECT = 1.15  # an image whose sides differ by a smaller factor counts as square
_MIN_SHARE = 0.1  # of the images; a rarer shape has no bucket, because each is compiled
_MIN_SIDE = 129  # of images of which a half and a quarter are worth computing
_BYTES_PER_PIXEL = 5200  # of activations at three scales: benchmarks/README.md


def has_imagenet() -> bool:
    """Whether the extra `imagenet` is installed."""
    return importlib.util.find_spec(IMAGENET_PACKAGE) is not None


def choose_sizes(sizes: np.ndarray, machine: Machine) -> DataConfig:
    """Chooses buckets and the images of a micro-batch.

    Args:
      sizes: int (n, 2), height and width of each training image.
      machine: on which the network trains.
    """
    return DataConfig(
        buckets=_choose_buckets(sizes, _LARGEST[machine.accelerated]),
        images_per_micro_batch=_IMAGES[machine.accelerated],
    )


def _choose_buckets(sizes: np.ndarray, largest: int) -> tuple[Size, ...]:
    """Buckets for wide, tall and square images, as far as these are common; at most three."""
    area = min(float(np.median(sizes.prod(1))), largest)
    aspects = sizes[:, 0] / sizes[:, 1]
    wide, tall = aspects < 1 / _ASPECT, aspects > _ASPECT
    shapes = [aspects[chosen] for chosen in (wide, tall, ~wide & ~tall)]
    aspects = [float(np.median(s)) for s in shapes if len(s) >= _MIN_SHARE * len(sizes)]
    sides = [((area * aspect) ** 0.5, (area / aspect) ** 0.5) for aspect in aspects]
    grid = TRUNKS[ModelConfig().trunk].grid
    return tuple(dict.fromkeys((grid.round(height), grid.round(width)) for height, width in sides))


def choose_input_size(data: DataConfig) -> InputSizeConfig:
    """Photographs enter the network at the size of the training images."""
    return InputSizeConfig(
        short_side=max(map(min, data.buckets)),
        long_side=max(map(max, data.buckets)),
        area=max(height * width for height, width in data.buckets),
    )


def choose_model(data: DataConfig, machine: Machine) -> ModelConfig:
    """The network of the paper, or a narrower one if it starts with random weights."""
    pixels = data.images_per_micro_batch * max(height * width for height, width in data.buckets)
    model = ModelConfig(
        scales=3 if min(map(min, data.buckets)) >= _MIN_SIDE else 1,
        remat=pixels * _BYTES_PER_PIXEL > machine.memory / 4,
        statistics=Statistics.RUNNING,
    )
    if has_imagenet():
        model.frozen_blocks = 2
    else:
        model.width, model.dropout, model.initialisation = 0.25, 0.0, Initialisation.RANDOM
    return model


def choose_groups() -> tuple[GroupConfig, GroupConfig]:
    """The parameter groups of the trunk and of every task."""
    if has_imagenet():
        return (
            GroupConfig(batch_size=4, learning_rate=3e-5, decay_at=(0.75,)),
            GroupConfig(batch_size=2, learning_rate=2e-4, decay_at=(0.75,)),
        )
    group = GroupConfig(batch_size=4, learning_rate=1e-3, decay_at=(0.75,))
    return group, group
