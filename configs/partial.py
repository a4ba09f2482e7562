"""Partial labels: what labels are worth that are absent, on three small datasets.

    pip install 'ubernet_jax[reference]'
    ubernet prepare voc2012 folder/fashion folder/kitchen --source DIR
    ubernet train --config partial:full --workdir runs/full
    ubernet train --config partial:one --workdir runs/one
    ubernet train --config partial:random:synchronous --workdir runs/random-synchronous
    ubernet compare runs/full runs/one runs/random-synchronous

VOC2012 is labelled for segmentation and semantic boundaries, `fashion` for parts and saliency, the
kitchen for normals and depth. With `full`, an image has both labels; with `one`, either of them;
with `random`, one or both, with equal probability. All networks see the same images. `:synchronous`
replaces the asynchronous solver, in which a task waits until enough of its images have a label, and
makes about as many updates of the heads, on average. Another choice of labels:
`--config.data.train[0].partial.seed=1`, and the same for `train[1]` and `train[2]`.

`folder/kitchen` needs depth maps. Heads and the last block of a ViT-S/14 are trained; the first run
computes the features of the other eleven, which are kept. Semantic boundaries are not scored: that
would take most of the time. docs/partial_labels.md has the results.
"""

import dataclasses

from ubernet_jax import config as c
from ubernet_jax.configs import reference
from ubernet_jax.errors import UserError

LABELS = {
    'voc2012': ('segmentation', 'semantic_boundaries'),
    'folder/fashion': ('parts', 'saliency'),
    'folder/kitchen': ('normals', 'depth'),
}
KEPT = {'full': c.Keep.ALL, 'one': c.Keep.ONE, 'random': c.Keep.RANDOM}
SYNCHRONOUS = 'synchronous'
VARIANTS = (*KEPT, *(f'{name}:{SYNCHRONOUS}' for name in KEPT))
# Images of an update. An image has 2, 1 or 1.5 labels of 6 tasks, so that after 6, 12 or 8 images a
# head has seen its batch of 2 labels on average.
SYNCHRONOUS_BATCH = {'full': 6, 'one': 12, 'random': 8}


def get_config(variant: str = 'one') -> c.Config:
    if variant not in VARIANTS:
        raise UserError(f'partial.py:{variant}: unknown variant; known: {", ".join(VARIANTS)}')
    kept, _, solver = variant.partition(':')
    config = reference.get_config().restrict_to(
        [name for names in LABELS.values() for name in names]
    )
    reference.shrink(config)
    config.name = f'partial:{variant}'
    config.epochs = 3.0
    config.model.stem = 0
    config.model.frozen_blocks = 11
    config.optim.shared.learning_rate = 2e-5
    config.data.train = use(config.data.train)
    config.evaluation.benchmarks = use(config.evaluation.benchmarks)
    config.evaluation.benchmarks[0].tasks = ('segmentation',)
    for dataset in config.data.train:
        dataset.partial = c.PartialConfig(keep=KEPT[kept])
    if solver == SYNCHRONOUS:
        config.optim.algorithm = c.Algorithm.SYNCHRONOUS
        config.optim.shared.batch_size = SYNCHRONOUS_BATCH[kept]
    return config


def use(datasets: list[c.DatasetConfig]) -> list[c.DatasetConfig]:
    """Returns the datasets with two labels, with both of them."""
    return [
        dataclasses.replace(dataset, tasks=LABELS[dataset.name])
        for dataset in datasets
        if dataset.name in LABELS
    ]
