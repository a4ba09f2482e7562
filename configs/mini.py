"""All tasks, trained on five small datasets of real images with labels for some tasks each.

    ubernet prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion \
        --source ../shared/data
    ubernet train --config mini --workdir runs/mini
    ubernet evaluate --checkpoint runs/mini

Starts from ImageNet weights and takes an hour on 2 CPU cores; scores are in docs/results.md. Images
and batches are small, and AdamW replaces SGD, because the paper's schedule needs 100 times as many
images. The parts of `folder/fashion` are pieces of clothing; without a `labels.json` with their
names (data/README.md) they have the names of the parts of PASCAL-Person-Part.
"""

from ubernet_jax import config as c

LABELS = {
    'bsds500': ('boundaries',),
    'voc2012': ('segmentation', 'semantic_boundaries', 'detection'),
    'pascal_s': ('saliency',),
    'folder/kitchen': ('normals',),
    'folder/fashion': ('parts', 'saliency'),
}
GROUP = {'batch_size': 2, 'learning_rate': 2e-4, 'decay_at': (0.75,)}


def dataset(name: str, split: str, repeat: int = 1) -> c.DatasetConfig:
    return c.DatasetConfig(name=name, split=split, repeat=repeat, tasks=LABELS[name])


def get_config() -> c.Config:
    return c.Config(
        name='mini',
        epochs=1.275,
        tasks={
            'boundaries': c.PAPER['boundaries'](**GROUP),
            'normals': c.PAPER['normals'](**GROUP, weight=2.0),
            'saliency': c.PAPER['saliency'](**GROUP),
            'segmentation': c.PAPER['segmentation'](**GROUP, weight=2.0),
            # Without `classes`, the classes of the data are used.
            'parts': c.Segmentation(**GROUP, weight=2.0),
            'semantic_boundaries': c.PAPER['semantic_boundaries'](**GROUP),
            'detection': c.PAPER['detection'](
                **{**GROUP, 'learning_rate': 1e-4},
                weight=2.0,
                detector=c.DetectionConfig(
                    width=1024, anchor_scales=(1.0, 2.0, 4.0, 8.0, 16.0), min_side=12.0
                ),
            ),
        },
        model=c.ModelConfig(
            frozen_blocks=2,
            remat=False,  # small images fit into memory without recomputation
            statistics=c.Statistics.RUNNING,
        ),
        optim=c.OptimConfig(
            optimizer=c.Optimizer.ADAMW,
            shared=c.GroupConfig(batch_size=4, learning_rate=3e-5, decay_at=(0.75,)),
        ),
        data=c.DataConfig(
            train=[
                dataset('bsds500', 'train'),
                dataset('voc2012', 'train'),
                dataset('pascal_s', 'train'),
                dataset('folder/kitchen', 'train', repeat=3),
                dataset('folder/fashion', 'train', repeat=2),
            ],
            buckets=((193, 257), (257, 193)),
            images_per_micro_batch=2,
        ),
        input_size=c.InputSizeConfig(short_side=193, long_side=257, area=193 * 257),
        evaluation=c.EvaluationConfig(
            benchmarks=[
                dataset('voc2012', 'val'),
                dataset('pascal_s', 'test'),
                dataset('folder/kitchen', 'test'),
                dataset('folder/fashion', 'test'),
                dataset('bsds500', 'test'),
            ],
            limit=8,
        ),
        log_every=20,
        checkpoint_every=200,
        pictures_every=575,
        evaluate_every=575,
    )
