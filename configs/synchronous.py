"""`configs/mini.py` with the synchronous solver: all groups update after four images of any kind.

    python -m ubernet_jax.train --config configs/synchronous.py --workdir runs/synchronous
    python -m ubernet_jax.evaluate --checkpoint runs/synchronous

What the paper's asynchronous solver (arXiv 1609.02132, section 3) is compared with, on the same
images: a task's gradient is then the mean over images of which few or none are labelled for it.
The rates fall after the same share of the images. An hour on 2 CPU cores, as `mini`; measured as
`small.py:synchronous`: docs/results.md. The paper gives no numbers for it.
"""

from configs import mini
from ubernet_jax import config as c


def get_config() -> c.Config:
    config = mini.get_config()
    config.name = 'synchronous'
    config.optim.algorithm = c.Algorithm.SYNCHRONOUS
    return config
