"""Detection and segmentation of `configs/mini.py`: same network, same number of their images.

    python -m ubernet_jax.train --config configs/two_task.py --workdir runs/two_task
    python -m ubernet_jax.evaluate --checkpoint runs/two_task

The paper's network for two tasks (arXiv 1609.02132, section 4), from which all its other networks
are initialised. Takes a third of the hour of `mini` on 2 CPU cores; measured as
`small.py:two_task`: docs/results.md. On its datasets the paper reports mAP 80.1 and mean IoU 72.3,
compared with 78.7 and 72.4 of single tasks (quoted from memory).
"""

from configs import mini
from ubernet_jax import config as c


def get_config() -> c.Config:
    config = mini.restrict_to(['segmentation', 'detection'])
    config.name = 'two_task'
    return config
