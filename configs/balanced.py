"""`configs/mini.py` with settings that reduce the gap to single-task networks.

    ubernet train --config balanced --workdir runs/balanced
    ubernet evaluate --checkpoint runs/balanced

The trunk is updated after twelve images instead of four, so that most updates have gradients of
every task, which CAGrad (arXiv 2110.14048) combines. All learning rates decay polynomially (arXiv
1606.00915), and those of the dense heads start three times as high. Takes an hour on 2 CPU cores,
as `mini` does; measured as `small.py:balanced`: docs/results.md.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import mini


def get_config() -> c.Config:
    config = mini.get_config()
    config.name = 'balanced'
    config.optim.shared = c.GroupConfig(batch_size=12, learning_rate=3e-5, polynomial=True)
    config.optim.balancing.method = c.Balancing.CAGRAD
    for name, task in config.tasks.items():
        task.polynomial = True
        if name != 'detection':
            task.learning_rate = 6e-4
    return config
