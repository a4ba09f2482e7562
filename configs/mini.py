"""All tasks from the five small sets of real images, each labelled for some tasks only.

    python -m ubernet_jax.prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion \
        --source ../shared/data
    python -m ubernet_jax.train --config configs/mini.py --workdir runs/mini
    python -m ubernet_jax.evaluate --checkpoint runs/mini

From ImageNet weights; an hour on 2 CPU cores; scores in docs/results.md. Images and batches are
small, and AdamW takes the place of SGD: the paper's schedule needs 100 times the images.
"""

from collections.abc import Sequence

from ubernet_jax import config as c

# Micro-batches of two that an epoch takes from each dataset, repeats included; and its labels.
EPOCH = {
    'bsds500': (101, {'boundaries'}),
    'voc2012': (301, {'segmentation', 'semantic_boundaries', 'detection'}),
    'pascal_s': (150, {'saliency'}),
    'folder/kitchen': (150, {'normals'}),
    'folder/fashion': (200, {'parts', 'saliency'}),
}
PARTS = (
    'background', 'head gear and hair', 'upper garment', 'skin', 'lower garment',
    'footwear and hosiery', 'accessories',
)  # fmt: skip


def task(decay_after: int, **settings) -> c.TaskConfig:
    """Updates of two images; the rate falls after about three quarters of them."""
    return c.TaskConfig(
        **{'batch_size': 2, 'learning_rate': 2e-4, 'decay_after': (decay_after,), **settings}
    )


def get_config() -> c.Config:
    return c.Config(
        name='mini',
        steps=1150,
        tasks={
            'boundaries': task(93),
            'normals': task(145, weight=2.0),
            'saliency': task(330),
            'segmentation': task(290, weight=2.0),
            'parts': task(190, weight=2.0, classes=PARTS),
            'semantic_boundaries': task(290),
            'detection': task(290, weight=2.0, learning_rate=1e-4),
        },
        model=c.ModelConfig(
            frozen_blocks=2,
            checkpoint=False,  # images this small fit, and nothing is computed twice
            statistics=c.Statistics.RUNNING,
            detection=c.DetectionConfig(
                width=1024, anchor_scales=(1.0, 2.0, 4.0, 8.0, 16.0), min_side=6.0
            ),
        ),
        optim=c.OptimConfig(
            optimizer=c.Optimizer.ADAMW,
            shared=c.GroupConfig(batch_size=4, learning_rate=3e-5, decay_after=(430,)),
        ),
        data=c.DataConfig(
            train=[
                c.DatasetConfig(name='bsds500', split='train'),
                c.DatasetConfig(name='voc2012', split='train'),
                c.DatasetConfig(name='pascal_s', split='train'),
                c.DatasetConfig(name='folder/kitchen', split='train', repeat=3),
                c.DatasetConfig(name='folder/fashion', split='train', repeat=2),
            ],
            buckets=((193, 257), (257, 193)),
            micro_batch=2,
        ),
        input_size=c.InputSizeConfig(short_side=193, long_side=257, area=193 * 257),
        evaluation=c.EvaluationConfig(
            benchmarks=[
                c.DatasetConfig(name='voc2012', split='val'),
                c.DatasetConfig(name='pascal_s', split='test'),
                c.DatasetConfig(name='folder/kitchen', split='test'),
                c.DatasetConfig(name='folder/fashion', split='test'),
                c.DatasetConfig(name='bsds500', split='test'),
            ],
            limit=8,
        ),
        log_every=20,
        checkpoint_every=200,
        pictures_every=575,
        evaluate_every=575,
    )


def restrict_to(tasks: Sequence[str]) -> c.Config:
    """The same for some of the tasks, on as many of their images as all together take.

    The rates of the tasks fall after the same numbers of updates, the trunk's after the same share.
    """
    config = get_config()
    datasets = {name for name, (_, labels) in EPOCH.items() if labels & set(tasks)}
    share = sum(EPOCH[name][0] for name in datasets) / sum(count for count, _ in EPOCH.values())
    config.steps = round(share * config.steps)
    config.tasks = {name: config.tasks[name] for name in tasks}
    shared = config.optim.shared
    shared.decay_after = tuple(round(share * updates) for updates in shared.decay_after)
    config.data.train = [one for one in config.data.train if one.name in datasets]
    config.evaluation.benchmarks = [
        one for one in config.evaluation.benchmarks if one.name in datasets
    ]
    return config
