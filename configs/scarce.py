"""A task with 20 labelled images: alone, beside other tasks, and with labels that it was taught.

    pip install 'ubernet_jax[reference]'
    ubernet prepare voc2012 pascal_s folder/scarce folder/rest --source DIR
    ubernet train --config scarce:single --workdir runs/single
    ubernet evaluate --checkpoint runs/single
    ubernet teach --teacher runs/single --task clothes --flip --scales 1 1.25 --datasets folder/rest
    ubernet train --config scarce:student --workdir runs/student

`folder/scarce` has 20 training images with the label `clothes`, and a test split; `folder/rest` has
images of the same kind without it. docs/results/scarce.md says how they were made, and what came
of it. As in `interference.py`, the network of the package is trained further; the head of
`clothes` is new. `single` has only this task, `plain` saliency and segmentation, too, `synchronous`
makes as many updates of the heads with the other solver, and `student` learns the labels that
`single` predicts for the rest.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import interference
from ubernet_jax.errors import UserError

VARIANTS = ('single', 'plain', 'synchronous', 'student')
REPEAT = 20  # so that the 20 images are a fourth of all samples
# In an epoch of 1480 samples, a head is updated 246 times on average, which is once in 6 samples.
SYNCHRONOUS_BATCH = 6


def get_config(variant: str = 'plain') -> c.Config:
    if variant not in VARIANTS:
        known = ', '.join(VARIANTS)
        raise UserError(f'scarce.py:{variant}: unknown variant; known: {known}')
    config = make_plain()
    if variant == 'single':
        config = config.restrict_to(['clothes'])
    config.name = f'scarce:{variant}'
    if variant == 'synchronous':
        config.optim.algorithm = c.Algorithm.SYNCHRONOUS
        config.optim.shared.batch_size = SYNCHRONOUS_BATCH
    if variant == 'student':
        config.data.train[-1].taught = ('clothes',)
    return config


def make_plain() -> c.Config:
    """Returns the configuration of `plain`."""
    config = interference.make_short().restrict_to(['saliency', 'segmentation', 'parts'])
    clothes = config.tasks.pop('parts')
    clothes.learning_rate *= 5  # the rate for a head that starts at random
    # A teacher of 20 images is seldom certain of small pieces: a threshold would remove them.
    clothes.taught_weight, clothes.taught_confidence = 0.5, 0.0
    config.tasks['clothes'] = clothes
    config.data.train = [
        *(dataset for dataset in config.data.train if dataset.name != 'folder/fashion'),
        c.DatasetConfig(name='folder/scarce', tasks=('clothes',), repeat=REPEAT),
        c.DatasetConfig(name='folder/rest', tasks=('saliency',)),
    ]
    config.evaluation.benchmarks = [
        *(test for test in config.evaluation.benchmarks if test.name != 'folder/fashion'),
        c.DatasetConfig(name='folder/scarce', split='test', tasks=('clothes', 'saliency')),
    ]
    return config
