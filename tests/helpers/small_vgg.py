"""A configuration of VGG-16 with few channels and all tasks of the paper, and an image for it."""

import numpy as np

from helpers.caffe_network import WIDE, WIDTH
from ubernet_jax.config import PAPER, Config, DetectionConfig, ModelConfig

SMALL = Config(
    steps=0,
    tasks={name: make() for name, make in PAPER.items()}
    | {'detection': PAPER['detection'](detector=DetectionConfig(width=WIDE))},
    model=ModelConfig(width=WIDTH),
)
IMAGE = np.kron(
    np.random.default_rng(0).integers(0, 256, (5, 5, 3)), np.ones((7, 7, 1), int)
)[:33, :33].astype(np.uint8)  # fmt: skip
BGR = (2, 1, 0)
