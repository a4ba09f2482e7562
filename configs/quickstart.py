"""All dense tasks on synthetic scenes with a small network: all steps in a few minutes.

    ubernet prepare synthetic
    ubernet train --config quickstart --workdir runs/quickstart
    ubernet evaluate --checkpoint runs/quickstart

or `make quickstart`. The network starts from random weights.
"""

from ubernet_jax import config as c

GROUP = {'batch_size': 4, 'learning_rate': 1e-3, 'decay_at': (0.75,)}


def get_config() -> c.Config:
    return c.Config(
        name='quickstart',
        images=480,
        tasks={
            'boundaries': c.Boundaries(**GROUP),
            'normals': c.Normals(**GROUP),
            # The loss is in metres: with weight 1 it dominates, and other tasks learn half as much.
            'depth': c.Depth(weight=0.1, **GROUP),
            'saliency': c.SoftMask(**GROUP),
            # Without `classes`, the classes of the data are used.
            'segmentation': c.Segmentation(**GROUP),
            'parts': c.Segmentation(**GROUP),
            'semantic_boundaries': c.ClassBoundaries(**GROUP),
        },
        model=c.ModelConfig(
            width=0.25,
            dropout=0.0,
            remat=False,  # small images fit into memory without recomputation
            statistics=c.Statistics.RUNNING,
            initialisation=c.Initialisation.RANDOM,
        ),
        optim=c.OptimConfig(optimizer=c.Optimizer.ADAMW, shared=c.GroupConfig(**GROUP)),
        data=c.DataConfig(
            train=[c.DatasetConfig(name='synthetic', split='train')],
            buckets=((161, 161),),
            images_per_micro_batch=4,
            workers=0,
        ),
        input_size=c.InputSizeConfig(short_side=161, long_side=257, area=161 * 257),
        evaluation=c.EvaluationConfig(benchmarks=[c.DatasetConfig(name='synthetic', split='test')]),
        log_every=10,
        checkpoint_every=60,
        pictures_every=120,
        evaluate_every=120,
    )
