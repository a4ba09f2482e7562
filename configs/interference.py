"""Seven tasks in one network against seven networks, with teachers for the labels that are missing.

    pip install 'ubernet_jax[reference]'
    ubernet prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion --source DIR
    ubernet train --config interference:single:parts --workdir runs/parts
    ubernet train --config interference:plain --workdir runs/plain
    ubernet teach --teacher runs/parts --task parts --datasets bsds500 voc2012 pascal_s ...
    ubernet train --config interference:student --workdir runs/student
    ubernet evaluate --checkpoint runs/student
    ubernet compare runs/student --baseline runs/parts ...

Every network starts from the network of the package: heads that were trained on a frozen ViT-S/14,
so that no task is a beginner when the trunk begins to change (arXiv 2202.10054). Its last two
blocks, stem and heads are trained, and the images of each task are seen equally often.
`single:TASK` is the baseline; `plain` has all seven tasks of `configs/mini.py`; `synchronous`
replaces the asynchronous solver and makes as many updates of the heads, all tasks together;
`cagrad` adds the balancing method; `larger` has images of 168x224 instead of 112x154. `student`
also learns the labels that the seven single-task networks taught, `student:cagrad` both. Detection
has five times the weight of the other tasks: with equal weights, it loses a quarter to the network
for detection alone (one seed). docs/interference.md has what was run so far. The first runs compute
the features of the other ten blocks, which are kept.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import mini, reference
from ubernet_jax.errors import UserError

VARIANTS = ('plain', 'synchronous', 'cagrad', 'larger', 'student', 'student:cagrad')
# In an epoch of 1500 images, a head is updated 200 times on average, which is once in 7.5 images.
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
    if variant == 'larger':
        reference.set_image_size(config, 168, 224)
    if 'cagrad' in variant.split(':'):
        config.optim.balancing.method = c.Balancing.CAGRAD
    if name == 'student':
        for dataset in config.data.train:
            dataset.taught = tuple(task for task in config.tasks if task not in dataset.tasks)
    return config


def make_plain() -> c.Config:
    """Returns the configuration of `plain`: twice as long as the short one, with larger steps."""
    config = make_short()
    config.epochs = 4.0
    config.optim.shared.learning_rate = 1e-4
    for name, task in config.tasks.items():
        if name != 'segmentation':  # measured with the rate of the shorter training
            task.learning_rate *= 3
    config.tasks['detection'].weight = 5.0
    return config


def make_short() -> c.Config:
    """Returns a training that continues the network of the package for two epochs."""
    config = reference.get_config().restrict_to(list(mini.get_config().tasks))
    reference.shrink(config)
    config.epochs = 2.0
    config.model.weights = 'reference'
    config.model.frozen_blocks = 10
    for task in config.tasks.values():
        task.learning_rate /= 5  # the heads are trained already
    config.optim.shared.learning_rate = 2e-5
    for dataset in config.data.train:
        dataset.repeat = 1
    return config
