"""All seven tasks of the paper and depth, in one network that a GPU trains in minutes.

    ubernet prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion \
        --source DIR --max-side 321
    ubernet train --config mini_gpu --workdir runs/mini_gpu
    ubernet evaluate --checkpoint runs/mini_gpu

The datasets of `configs/mini.py`, with the depth of the kitchen, larger images and a longer run.
Speed on a GPU: benchmarks/README.md.
"""

import dataclasses

from ubernet_jax import config as c
from ubernet_jax.configs import mini


def get_config() -> c.Config:
    config = mini.get_config()
    config.name = 'mini_gpu'
    config.epochs, config.images = None, 12_000
    config.tasks['depth'] = c.Depth(weight=0.3)
    for name, task in config.tasks.items():
        rate = 1e-4 if name == 'detection' else 3e-4
        config.tasks[name] = dataclasses.replace(
            task, batch_size=4, learning_rate=rate, polynomial=True
        )
    config.tasks['detection'].detector.width = 512
    config.model.remat = True
    config.model.precision = c.Precision.BFLOAT16
    config.optim.shared = c.GroupConfig(batch_size=8, learning_rate=5e-5, polynomial=True)
    for dataset in [*config.data.train, *config.evaluation.benchmarks]:
        if dataset.name == 'folder/kitchen':
            dataset.tasks += ('depth',)
    bsds = [mini.dataset('bsds500', split, repeat=2) for split in ('train', 'val')]
    config.data.train[:1] = bsds
    config.data.buckets = ((257, 321), (321, 257))
    config.data.images_per_micro_batch = 4
    config.input_size = c.InputSizeConfig(short_side=257, long_side=321, area=257 * 321)
    config.evaluation.limit = 20
    config.checkpoint_every = config.pictures_every = 1000
    config.evaluate_every = 2000
    return config
