"""Detection and segmentation of `configs/mini.py`: the same network, and as many of their images.

    python -m ubernet_jax.train --config configs/two_task.py --workdir runs/two_task
    python -m ubernet_jax.evaluate --checkpoint runs/two_task

The paper's network for two tasks (arXiv 1609.02132, section 4), which also starts all its others.
On 2 CPU cores a third of the hour of `mini`; measured as `small.py:two_task`: docs/results.md. The
paper, as recalled and on its own sets: mAP 80.1 and mean IoU 72.3, against 78.7 and 72.4 of single
tasks.
"""

from configs import mini
from ubernet_jax import config as c


def get_config() -> c.Config:
    config = mini.restrict_to(['segmentation', 'detection'])
    config.name = 'two_task'
    return config
