"""`configs/mini.py` with another weight of the loss of the normals, which is 2 in `mini`.

    ubernet train --config normals_weight:50 --workdir runs/normals_50
    ubernet evaluate --checkpoint runs/normals_50

The paper examines the weights 1, 5 and 50 (arXiv 1609.02132, section 4): a larger weight improves
the normals and degrades every other task. Takes an hour on 2 CPU cores, as `mini` does; measured as
`small.py:normals_weight:W`: docs/results.md. Mean angles on NYUv2 in the paper, quoted from memory:
23.9, 23.3 and 21.4 degrees with a single task, 26.7 with seven tasks and a weight of 1.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import mini
from ubernet_jax.errors import UserError


def get_config(weight: str = '1') -> c.Config:
    config = mini.get_config()
    config.name = f'normals_weight:{weight}'
    try:
        config.tasks['normals'].weight = float(weight)
    except ValueError as error:
        raise UserError(
            f'normals_weight.py:{weight}: the weight must be a number, such as normals_weight.py:5'
        ) from error
    return config
