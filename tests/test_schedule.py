"""The plan of a run: its length, what every group sees, and how often it then updates."""

import numpy as np
import pytest
import tiny_config
from memory_datasets import MemoryDataset

from ubernet_jax import config as c
from ubernet_jax.network import SHARED
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.optim import make_rate
from ubernet_jax.training.schedule import Schedule, count_steps, make_schedule
