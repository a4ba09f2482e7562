"""A single task of `configs/mini.py`: the same network and the same number of its images.

    ubernet train --config single_task:saliency --workdir runs/saliency
    ubernet evaluate --checkpoint runs/saliency

This is the baseline of a network for several tasks: `ubernet compare runs/mini
--baseline runs/saliency ...`, like the paper's comparison of one task with seven (arXiv
1609.02132, section 4); at the scale of the paper it is `configs/ubernet.py:single_task:TASK`. On 2
CPU cores a task takes its share of the hour of `mini`; measured as `small.py:single_task:TASK`:
docs/results.md. The paper's numbers, on its datasets, are in `ubernet_jax/tasks/published.py`.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import mini
from ubernet_jax.errors import UserError


def get_config(task: str = 'segmentation') -> c.Config:
    return restrict(mini.get_config(), task)


def restrict(config: c.Config, task: str) -> c.Config:
    """Returns a configuration of more tasks for one of them, with its images."""
    if task not in config.tasks:
        raise UserError(f'single_task.py:{task}: unknown task; known: {", ".join(config.tasks)}')
    config = config.restrict_to([task])
    config.name = f'single_task:{task}'
    if task == 'detection':
        config.model.scales = 1  # the detector uses the finest scale only
    return config
