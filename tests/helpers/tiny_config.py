"""The smallest training run: one scale, two tasks, images of 33x65."""

from ubernet_jax import config as c


def get_config() -> c.Config:
    group = {'batch_size': 2, 'learning_rate': 1e-3, 'decay_at': ()}
    return c.Config(
        name='tiny',
        steps=6,
        tasks={'normals': c.Normals(**group), 'segmentation': c.PAPER['segmentation'](**group)},
        model=c.ModelConfig(width=1 / 32, scales=1, initialisation=c.Initialisation.RANDOM),
        optim=c.OptimConfig(shared=c.GroupConfig(**group)),
        data=c.DataConfig(
            train=[c.DatasetConfig(name='folder/tiny', split='train')],
            buckets=((33, 65),),
            workers=0,
        ),
        input_size=c.InputSizeConfig(short_side=33, long_side=65, area=33 * 65),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name='folder/tiny', split='test')], limit=1
        ),
        log_every=2,
        checkpoint_every=2,
        pictures_every=4,
        evaluate_every=4,
    )
