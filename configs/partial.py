"""Partial labels: what labels are worth that are absent, on two small datasets.

    ubernet prepare voc2012 folder/kitchen --source DIR
    ubernet train --config partial:full --workdir runs/full
    ubernet train --config partial:one --workdir runs/one
    ubernet train --config partial:random:synchronous --workdir runs/random-synchronous
    ubernet compare runs/full runs/one runs/random-synchronous

VOC2012 is labelled for segmentation and semantic boundaries, the kitchen for normals and depth.
With `full`, an image has both labels; with `one`, either of them; with `random`, one or both, with
equal probability. All networks see the same images. `:synchronous` replaces the asynchronous
solver, in which a task waits until enough of its images have a label. The other settings are those
of `configs/small.py:mini`. Another choice of labels: `--config.data.train[0].partial.seed=1`, and
the same for `train[1]`. docs/partial_labels.md explains the settings.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import mini, small
from ubernet_jax.errors import UserError

KITCHEN = 'folder/kitchen'
LABELS = {'voc2012': ('segmentation', 'semantic_boundaries'), KITCHEN: ('normals', 'depth')}
KEPT = {'full': c.Keep.ALL, 'one': c.Keep.ONE, 'random': c.Keep.RANDOM}
SYNCHRONOUS = 'synchronous'
VARIANTS = (*KEPT, *(f'{name}:{SYNCHRONOUS}' for name in KEPT))


def get_config(variant: str = 'one') -> c.Config:
    if variant not in VARIANTS:
        raise UserError(f'partial.py:{variant}: unknown variant; known: {", ".join(VARIANTS)}')
    kept, _, solver = variant.partition(':')
    config = small.get_config()
    config.tasks['depth'] = c.Depth(**mini.GROUP)
    config = config.restrict_to([name for names in LABELS.values() for name in names])
    config.name = f'partial:{variant}'
    config.epochs = 1.0
    for dataset in [*config.data.train, *config.evaluation.benchmarks]:
        dataset.tasks = LABELS[dataset.name]
    for dataset in config.data.train:
        dataset.partial = c.PartialConfig(keep=KEPT[kept])
    if solver == SYNCHRONOUS:
        config.optim.algorithm = c.Algorithm.SYNCHRONOUS
    return config
