"""Experiments with `configs/mini.py` at half the image area, a single scale and 35% of the epochs.

    ubernet train --config small:two_task --workdir runs/start
    ubernet weights export --checkpoint runs/start --out runs/start.safetensors
    ubernet train --config small:single_task:parts --workdir runs/parts \
        --config.model.weights=runs/start.safetensors
    ubernet evaluate --checkpoint runs/parts

The argument after the colon is the name of a configuration derived from `mini`, optionally followed
by a colon and the argument of that configuration. As in the paper (arXiv 1609.02132, section 4),
all other networks can be initialised from a network for detection and segmentation, which is
trained for as many epochs as in `mini`. Meant for comparisons of many runs on a CPU: a run takes
some minutes instead of the hour of `mini` (docs/results.md). Boundaries are scored at 9 thresholds
instead of 99 to save time.
"""

import importlib

from ubernet_jax import config as c
from ubernet_jax.errors import UserError

START = 'two_task'
EXPERIMENTS = ('balanced', 'mini', 'normals_weight', 'single_task', 'synchronous', START)
SHARE = 0.35  # of the epochs of `mini`
NEVER = 1_000_000  # steps; pictures of the last step are drawn nevertheless


def get_config(experiment: str = 'mini') -> c.Config:
    name, _, argument = experiment.partition(':')
    if name not in EXPERIMENTS:
        raise UserError(f'small.py:{name}: no experiment; known: {", ".join(EXPERIMENTS)}')
    make = importlib.import_module(f'ubernet_jax.configs.{name}').get_config
    config = make(argument) if argument else make()
    config.name = f'small:{config.name}'
    if name != START:
        config.epochs *= SHARE
    config.model.scales = 1
    config.data.buckets = ((129, 161), (161, 129))
    config.input_size = c.InputSizeConfig(short_side=129, long_side=161, area=129 * 161)
    config.evaluation.thresholds = 9
    config.pictures_every = config.evaluate_every = NEVER
    return config
