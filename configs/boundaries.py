"""Boundaries alone on the complete BSDS500; takes two hours on one CPU core.

    ubernet prepare bsds500 --source DIR
    ubernet train --config boundaries --workdir runs/boundaries
    ubernet evaluate --checkpoint runs/boundaries

The single-task experiment of the paper (arXiv 1609.02132, section 4: ODS .791, quoted from memory),
reduced to what a CPU can train: ImageNet weights with the first two blocks frozen, crops of 225x321
pixels of the 300 images at about their original size, AdamW with learning rates that decay to 0,
because SGD needs 100 times as many images, and cross-entropy without bags. Tested at full size on
all 200 test images with the official protocol: docs/results.md. On a GPU use
`configs/hed_style.py`.

`boundaries:small` is for comparing settings in 5 to 10 minutes a run: 480 images of the training
split alone at half the area, one scale, bfloat16. It is evaluated on the split val, and with
`--limit 40` as in docs/results/boundaries.md.
"""

from ubernet_jax import config as c
from ubernet_jax.errors import UserError


def get_config(variant: str = '') -> c.Config:
    if variant not in ('', 'small'):
        raise UserError(f'boundaries.py:{variant}: unknown variant; known: small')
    config = make_complete()
    if variant == 'small':
        shrink(config)
    return config


def shrink(config: c.Config) -> None:
    """Changes the complete configuration to `boundaries:small`."""
    config.name = 'boundaries:small'
    config.images = 480
    config.model.scales = 1
    config.model.precision = c.Precision.BFLOAT16
    config.data.train = [c.DatasetConfig(name='bsds500', split='train')]
    config.data.buckets = ((161, 225), (225, 161))
    config.data.scale = (1.68, 2.52)  # the same sizes of the images as in the complete one
    config.evaluation.benchmarks = [c.DatasetConfig(name='bsds500', split='val')]
    config.evaluation.thresholds = 33
    config.evaluate_every = 1_000_000


def make_complete() -> c.Config:
    """Returns the configuration without a variant."""
    return c.Config(
        name='boundaries',
        images=2000,
        tasks={
            'boundaries': c.Boundaries(
                batch_size=4,
                learning_rate=1e-3,
                polynomial=True,
                # Both better than their defaults in so short a run: docs/results/boundaries.md
                positive_share=0.25,
                bag_radius=0,
            )
        },
        model=c.ModelConfig(
            frozen_blocks=2,
            remat=False,  # small images fit into memory without recomputation
            statistics=c.Statistics.RUNNING,
        ),
        optim=c.OptimConfig(
            optimizer=c.Optimizer.ADAMW,
            shared=c.GroupConfig(batch_size=4, learning_rate=3e-5, polynomial=True),
        ),
        data=c.DataConfig(
            train=[
                c.DatasetConfig(name='bsds500', split='train'),
                c.DatasetConfig(name='bsds500', split='val'),
            ],
            buckets=((225, 321), (321, 225)),
            scale=(1.2, 1.8),  # of 225 pixels: 0.84 to 1.26 times the original size of the images
        ),
        input_size=c.InputSizeConfig(short_side=321, long_side=481, area=321 * 481),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name='bsds500', split='test')], limit=20
        ),
        log_every=20,
        checkpoint_every=100,
        pictures_every=500,
        evaluate_every=400,
    )
