"""Depth and surface normals of a kitchen; depth is a kind of task that the paper does not have.

    ubernet prepare folder/kitchen --source DIR
    ubernet train --config kitchen --workdir runs/kitchen
    ubernet evaluate --checkpoint runs/kitchen

`DIR/kitchen` has the folders `images`, `normals` and `depth` (16-bit PNG, millimetres) in `train`
and `test`: docs/adding_a_dataset.md. Starts from ImageNet weights and uses a single scale. Scores,
time and pictures are in docs/results.md.
"""

from ubernet_jax import config as c

GROUP = {'batch_size': 4, 'decay_at': (0.75,)}


def get_config() -> c.Config:
    return c.Config(
        name='kitchen',
        epochs=12,
        tasks={
            'depth': c.Depth(learning_rate=3e-4, **GROUP),
            'normals': c.Normals(learning_rate=3e-4, weight=2.0, **GROUP),
        },
        model=c.ModelConfig(
            scales=1, frozen_blocks=2, remat=False, statistics=c.Statistics.RUNNING
        ),
        optim=c.OptimConfig(
            optimizer=c.Optimizer.ADAMW, shared=c.GroupConfig(learning_rate=1e-4, **GROUP)
        ),
        data=c.DataConfig(
            train=[c.DatasetConfig(name='folder/kitchen', split='train')],
            buckets=((161, 225),),
            images_per_micro_batch=4,
        ),
        input_size=c.InputSizeConfig(short_side=161, long_side=225, area=161 * 225),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name='folder/kitchen', split='test')], limit=10
        ),
        checkpoint_every=50,
        pictures_every=100,
        evaluate_every=100,
    )
