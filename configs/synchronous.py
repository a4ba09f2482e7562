"""`configs/mini.py` with the synchronous solver: all groups are updated after any four images.

    ubernet train --config synchronous --workdir runs/synchronous
    ubernet evaluate --checkpoint runs/synchronous

This is the baseline of the paper's asynchronous solver (arXiv 1609.02132, section 3) on the same
images: the gradient of a task is the mean over images of which few or none are labelled for it.
Learning rates decay after the same share of the images. Takes an hour on 2 CPU cores, as `mini`
does; measured as `small.py:synchronous`: docs/results.md. The paper gives no numbers for it.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import mini


def get_config() -> c.Config:
    config = mini.get_config()
    config.name = 'synchronous'
    config.optim.algorithm = c.Algorithm.SYNCHRONOUS
    return config
