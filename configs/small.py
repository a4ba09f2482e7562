"""Experiments with `configs/mini.py` at half its image area, one scale and a third of its steps.

    python -m ubernet_jax.train --config configs/small.py:synchronous --workdir runs/synchronous
    python -m ubernet_jax.train --config configs/small.py:single_task:parts --workdir runs/parts
    python -m ubernet_jax.evaluate --checkpoint runs/parts

Behind the colon stands the name of a configuration that is made from `mini`, and what it is given.
For comparisons of many runs on a CPU, where a run of `mini` takes an hour and one of these some
minutes: docs/results.md. Boundaries are scored at 9 thresholds, which is quicker by as much.
"""

import importlib

from ubernet_jax import config as c
from ubernet_jax.errors import UserError

EXPERIMENTS = ('mini', 'normals_weight', 'single_task', 'synchronous', 'two_task')
STEPS = 0.35  # of those of `mini`


def get_config(experiment: str = 'mini') -> c.Config:
    name, _, argument = experiment.partition(':')
    if name not in EXPERIMENTS:
        raise UserError(f'small.py:{name}: no experiment; known: {", ".join(EXPERIMENTS)}')
    make = importlib.import_module(f'configs.{name}').get_config
    config = make(argument) if argument else make()
    config.name = f'small:{config.name}'
    config.steps = round(STEPS * config.steps)
    for group in (config.optim.shared, *config.tasks.values()):
        group.decay_after = tuple(round(STEPS * updates) for updates in group.decay_after)
    config.model.scales = 1
    config.data.buckets = ((129, 161), (161, 129))
    config.input_size = c.InputSizeConfig(short_side=129, long_side=161, area=129 * 161)
    config.evaluation.thresholds = 9
    config.pictures_every = config.evaluate_every = config.steps
    return config
