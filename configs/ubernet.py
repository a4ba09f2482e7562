"""The paper's network and the two unions of datasets that it is trained on (arXiv 1609.02132).

    python -m ubernet_jax.doctor --config configs/ubernet.py:with_val
    python -m ubernet_jax.train --config configs/ubernet.py:with_val --workdir runs/ubernet
    python -m ubernet_jax.train --config configs/ubernet.py:without_val --workdir runs/without_val

`with_val` also trains on the val split of VOC2012 and is used to score detection and segmentation;
`without_val` is used to score parts, semantic boundaries and saliency, whose test sets overlap with
that split. Images of the benchmarks are left out of the training: of the 8498 images of SBD's train
split, 5623 are not in VOC2012's val.

Trained by asynchronous SGD with effective batches of 30 (trunk), 10 (tasks) and 2 (detection) and
momentum 0.9. The learning rate is 1e-3 (half of it for detection), divided by 10 after three fifths
of a group's updates, which are 3000 of the trunk's 5000. There are three scales and images of up to
641x961. Differences from the paper: the trunk starts from ImageNet weights, not from networks
trained on COCO; the normals are those of the 795 labelled frames only. Needs a GPU; not run yet, so
there are no scores.
"""

from ubernet_jax import config as c
from ubernet_jax.errors import UserError

VARIANTS = ('with_val', 'without_val')
OBJECT_TASKS = ('detection', 'segmentation')
SETTINGS = {
    'normals': {'weight': 5.0},
    'saliency': {'weight': 0.25},
    'detection': {'weight': 2.0, 'batch_size': 2, 'learning_rate': 5e-4},
}


def dataset(name: str, *splits: str, **settings) -> list[c.DatasetConfig]:
    return [c.DatasetConfig(name=name, split=split, **settings) for split in splits]


def training_sets(variant: str) -> list[c.DatasetConfig]:
    splits = ('train', 'val') if variant == 'with_val' else ('train',)
    return [
        *dataset('bsds500', 'train', 'val'),
        *dataset('pascal_context', *splits),
        *dataset('voc2007', 'train', 'val', repeat=2, tasks=('detection',)),
        # Only these tasks: its boundaries are of classes, those of SBD are of instances.
        *dataset('voc2012', *splits, repeat=2, tasks=OBJECT_TASKS),
        *dataset('sbd', *splits),
        *dataset('person_part', *splits),
        *dataset('msra10k', 'train'),
        *dataset('nyudv2_gupta', 'train'),
    ]


def benchmarks(variant: str) -> list[c.DatasetConfig]:
    common = [*dataset('bsds500', 'test'), *dataset('nyudv2_gupta', 'test')]
    if variant == 'with_val':
        return [*dataset('voc2007', 'test', tasks=OBJECT_TASKS), *common]
    return [
        *dataset('person_part', 'val'),
        *dataset('sbd', 'val', tasks=('semantic_boundaries',)),
        *dataset('pascal_s', 'test'),
        *dataset('voc2012', 'val', tasks=OBJECT_TASKS),
        *common,
    ]


def get_config(variant: str = 'with_val') -> c.Config:
    if variant not in VARIANTS:
        raise UserError(f'ubernet.py:{variant}: unknown variant; known: {", ".join(VARIANTS)}')
    return c.Config(
        name=f'ubernet:{variant}',
        images=150_000,  # 5000 updates of 30 images
        tasks={name: make(**SETTINGS.get(name, {})) for name, make in c.PAPER.items()},
        data=c.DataConfig(
            train=training_sets(variant),
            leaks=c.Leaks.LEAVE_OUT,
            buckets=((641, 865), (865, 641), (641, 961), (961, 641)),
            workers=4,
        ),
        evaluation=c.EvaluationConfig(benchmarks=benchmarks(variant)),
        log_every=100,
        checkpoint_every=2500,
        pictures_every=2500,
        evaluate_every=10_000,
    )
