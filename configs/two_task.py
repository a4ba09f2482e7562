"""Detection and segmentation of `configs/mini.py`: same network, same number of their images.

    ubernet train --config two_task --workdir runs/two_task
    ubernet evaluate --checkpoint runs/two_task

The paper's network for two tasks (arXiv 1609.02132, section 4), from which all its other networks
are initialised; at the scale of the paper it is `configs/ubernet.py:two_task`. Takes a third of the
hour of `mini` on 2 CPU cores; measured as `small.py:two_task`: docs/results.md.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import mini

TASKS = ('segmentation', 'detection')


def get_config() -> c.Config:
    return restrict(mini.get_config())


def restrict(config: c.Config) -> c.Config:
    """Returns a configuration of more tasks for these two, with their images."""
    config = config.restrict_to(TASKS)
    config.name = 'two_task'
    return config
