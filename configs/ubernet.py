"""The paper's settings (arXiv 1609.02132) for the six dense tasks, on the sets prepared here.

    python -m ubernet_jax.train --config configs/ubernet.py --workdir runs/ubernet

Asynchronous SGD with effective batches of 30 (trunk) and 10 (tasks), momentum 0.9, learning rate
1e-3 divided by 10 after 3000 updates, three scales, images up to 641x961. Needs a GPU; not run yet,
so there are no scores of it. The paper's own training sets and detection are not part of it yet.
"""

from ubernet_jax import config as c


def get_config() -> c.Config:
    return c.Config(
        name='ubernet',
        steps=150_000,
        tasks={
            'boundaries': c.TaskConfig(),
            'normals': c.TaskConfig(weight=5.0),
            'saliency': c.TaskConfig(weight=0.25),
            'segmentation': c.TaskConfig(),
            'parts': c.TaskConfig(),
            'semantic_boundaries': c.TaskConfig(),
        },
        data=c.DataConfig(
            train=[
                c.DatasetConfig(name='bsds500', split='train'),
                c.DatasetConfig(name='bsds500', split='val'),
                c.DatasetConfig(name='voc2012', split='train', repeat=2),
                c.DatasetConfig(name='pascal_s', split='train'),
                c.DatasetConfig(name='folder/nyud', split='train'),
                c.DatasetConfig(name='folder/person_parts', split='train'),
            ],
            buckets=((641, 865), (865, 641), (641, 961), (961, 641)),
            workers=4,
        ),
        evaluation=c.EvaluationConfig(
            benchmarks=[
                c.DatasetConfig(name='voc2012', split='val'),
                c.DatasetConfig(name='pascal_s', split='test'),
                c.DatasetConfig(name='folder/nyud', split='test'),
                c.DatasetConfig(name='folder/person_parts', split='test'),
                c.DatasetConfig(name='bsds500', split='test'),
            ],
        ),
        log_every=100,
        checkpoint_every=2500,
        pictures_every=2500,
        evaluate_every=10_000,
    )
