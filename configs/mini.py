"""All dense tasks from the five small sets of real images, each labelled for some tasks only.

    python -m ubernet_jax.prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion \
        --source ../shared/data
    python -m ubernet_jax.train --config configs/mini.py --workdir runs/mini
    python -m ubernet_jax.evaluate --checkpoint runs/mini

One hour on 2 CPU cores, from ImageNet weights; scores in docs/results.md. The images are small and
the batches too, and AdamW takes the place of SGD: the paper's schedule needs 100 times the images.
"""

from ubernet_jax import config as c


def get_config() -> c.Config:
    # decay_after is about three quarters of the updates that each group comes to.
    rare = {'batch_size': 2, 'learning_rate': 2e-4, 'decay_after': (115,)}
    frequent = {**rare, 'decay_after': (350,)}
    return c.Config(
        name='mini',
        steps=1400,
        tasks={
            'boundaries': c.TaskConfig(**rare),
            'normals': c.TaskConfig(**{**rare, 'decay_after': (180,)}, weight=2.0),
            'saliency': c.TaskConfig(**frequent),
            'segmentation': c.TaskConfig(**frequent, weight=2.0),
            'parts': c.TaskConfig(
                **{**rare, 'decay_after': (235,)},
                weight=2.0,
                classes=(
                    'background',
                    'head gear and hair',
                    'upper garment',
                    'skin',
                    'lower garment',
                    'footwear and hosiery',
                    'accessories',
                ),
            ),
            'semantic_boundaries': c.TaskConfig(**frequent),
        },
        model=c.ModelConfig(frozen_blocks=2, dropout=0.0, statistics=c.Statistics.RUNNING),
        optim=c.OptimConfig(
            optimizer=c.Optimizer.ADAMW,
            shared=c.GroupConfig(batch_size=4, learning_rate=5e-5, decay_after=(525,)),
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
            limit=20,
        ),
        log_every=20,
        checkpoint_every=200,
        pictures_every=350,
        evaluate_every=700,
    )
