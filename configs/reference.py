"""All seven tasks of the paper and depth, in one network that a GPU trains in minutes.

    ubernet prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion \
        --source DIR --max-side 321
    ubernet train --config reference --workdir runs/reference
    ubernet evaluate --checkpoint runs/reference

The datasets are those of `configs/mini.py`, with the depth of the kitchen. Starts from ImageNet
weights; images are 257x321 pixels. Speed on a GPU: benchmarks/README.md.
"""

from ubernet_jax import config as c
from ubernet_jax.configs.mini import LABELS

GROUP = {'batch_size': 4, 'learning_rate': 3e-4, 'polynomial': True}


def dataset(name: str, split: str, repeat: int = 1) -> c.DatasetConfig:
    tasks = LABELS[name] + (('depth',) if name == 'folder/kitchen' else ())
    return c.DatasetConfig(name=name, split=split, repeat=repeat, tasks=tasks)


def get_config() -> c.Config:
    return c.Config(
        name='reference',
        images=12_000,
        tasks={
            'boundaries': c.PAPER['boundaries'](**GROUP),
            'normals': c.PAPER['normals'](**GROUP, weight=2.0),
            'saliency': c.PAPER['saliency'](**GROUP),
            'segmentation': c.PAPER['segmentation'](**GROUP, weight=2.0),
            'parts': c.Segmentation(**GROUP, weight=2.0),
            'semantic_boundaries': c.PAPER['semantic_boundaries'](**GROUP),
            'detection': c.PAPER['detection'](
                **{**GROUP, 'learning_rate': 1e-4},
                weight=2.0,
                detector=c.DetectionConfig(
                    width=512, anchor_scales=(1.0, 2.0, 4.0, 8.0, 16.0), min_side=12.0
                ),
            ),
            'depth': c.Depth(**GROUP, weight=0.3),
        },
        model=c.ModelConfig(
            frozen_blocks=2,
            statistics=c.Statistics.RUNNING,
            precision=c.Precision.BFLOAT16,
        ),
        optim=c.OptimConfig(
            optimizer=c.Optimizer.ADAMW,
            shared=c.GroupConfig(batch_size=8, learning_rate=5e-5, polynomial=True),
        ),
        data=c.DataConfig(
            train=[
                dataset('bsds500', 'train', repeat=2),
                dataset('bsds500', 'val', repeat=2),
                dataset('voc2012', 'train'),
                dataset('pascal_s', 'train'),
                dataset('folder/kitchen', 'train', repeat=3),
                dataset('folder/fashion', 'train', repeat=2),
            ],
            buckets=((257, 321), (321, 257)),
            images_per_micro_batch=4,
        ),
        input_size=c.InputSizeConfig(short_side=257, long_side=321, area=257 * 321),
        evaluation=c.EvaluationConfig(
            benchmarks=[
                dataset('voc2012', 'val'),
                dataset('pascal_s', 'test'),
                dataset('folder/kitchen', 'test'),
                dataset('folder/fashion', 'test'),
                dataset('bsds500', 'test'),
            ],
        ),
        log_every=20,
        checkpoint_every=1000,
        pictures_every=1000,
        evaluate_every=2000,
    )
