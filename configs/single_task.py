"""One task of `configs/mini.py` alone: the same network, and the same number of its images.

    python -m ubernet_jax.train --config configs/single_task.py:saliency --workdir runs/saliency
    python -m ubernet_jax.evaluate --checkpoint runs/saliency

What the seven-task network is compared with. A task takes its share of the time of `mini`.
"""

from configs import mini
from ubernet_jax import config as c
from ubernet_jax.errors import UserError

# The datasets that label a task, and the micro-batches that `mini` takes from them.
SHARES = {
    'boundaries': (('bsds500',), 133),
    'normals': (('folder/kitchen',), 181),
    'saliency': (('pascal_s', 'folder/fashion'), 458),
    'segmentation': (('voc2012',), 378),
    'parts': (('folder/fashion',), 260),
    'semantic_boundaries': (('voc2012',), 378),
    'detection': (('voc2012',), 378),
}


def get_config(task: str = 'segmentation') -> c.Config:
    if task not in SHARES:
        raise UserError(f'single_task.py:{task}: unknown task; known: {", ".join(SHARES)}')
    datasets, steps = SHARES[task]
    config = mini.get_config()
    config.name = f'single_task:{task}'
    config.steps = steps
    config.tasks = {task: config.tasks[task]}
    if task == 'detection':
        config.model.scales = 1  # it looks at the finest scale only
    updates = steps * config.data.micro_batch // config.optim.shared.batch_size
    config.optim.shared.decay_after = (3 * updates // 4,)
    config.data.train = [one for one in config.data.train if one.name in datasets]
    config.evaluation.benchmarks = [
        one for one in config.evaluation.benchmarks if one.name in datasets
    ]
    return config
