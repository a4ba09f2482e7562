"""The paper's networks and the two unions of datasets that they are trained on (arXiv 1609.02132).

    ubernet doctor --config ubernet:with_val \
        --config.model.weights=start.safetensors
    ubernet train --config ubernet:two_task --workdir runs/two_task \
        --config.model.weights=vgg16.safetensors
    ubernet weights export --checkpoint runs/two_task --out start.safetensors
    ubernet train --config ubernet:with_val --workdir runs/ubernet \
        --config.model.weights=start.safetensors

Variants: `with_val` and `without_val` train all seven tasks; `two_task` trains detection and
segmentation and starts the others, `two_task:without_val` for `without_val`; `single_task:TASK`
trains one task. `with_val` also trains on the val split of VOC2012 and is used to score detection
and segmentation; `without_val` is used to score parts, semantic boundaries and saliency, whose test
images are in that split. A single task is trained on the union on which the paper scores it. The
order of the runs, the plan of an epoch and what is left out: docs/paper.md.

Trained by asynchronous SGD with effective batches of 30 (trunk), 10 (tasks) and 2 (detection) and
momentum 0.9; a single task trains the trunk with its batches, too. The learning rate is 1e-3 (half
of it for detection, a fifth for normals, whose loss has the weight 5), divided by 10 after three
fifths of a group's updates, which are 3000 of the trunk's 5000. There are three scales and images
of up to 641x961. Datasets of VOC photographs count twice, as in the paper. Our choice: BSDS500 is
shown in 16 rotations (as by HED, arXiv 1504.06375), and NYUv2 ten times an epoch; running
statistics normalise the skips in training too, and the length of the normals has a loss
(docs/results/decisions.md). Differences from the paper: the two-task network starts from ImageNet
weights, not from networks trained on COCO; the normals are those of the 795 labelled frames only.
Needs a GPU; not run yet, so there are no scores.
"""

import dataclasses

from ubernet_jax import config as c
from ubernet_jax.configs import single_task, two_task
from ubernet_jax.errors import UserError

UNIONS = ('with_val', 'without_val')
VARIANTS = (
    *UNIONS,
    'two_task',
    'two_task:without_val',
    *(f'single_task:{task}' for task in c.PAPER),
)
SCORED_WITHOUT_VAL = ('parts', 'semantic_boundaries', 'saliency')
SETTINGS = {
    # The weight is for the trunk: weight times learning rate, at which the head learns, is 1e-3.
    'normals': {'weight': 5.0, 'learning_rate': 2e-4, 'length_weight': 0.1},
    'saliency': {'weight': 0.25},
    'detection': {'weight': 2.0, 'batch_size': 2, 'learning_rate': 5e-4},
}


def dataset(
    name: str, *splits: str, tasks: tuple[str, ...], **settings: int
) -> list[c.DatasetConfig]:
    return [c.DatasetConfig(name=name, split=split, tasks=tasks, **settings) for split in splits]


def training_sets(union: str) -> list[c.DatasetConfig]:
    splits = ('train', 'val') if union == 'with_val' else ('train',)
    return [
        *dataset('bsds500', 'train', 'val', tasks=('boundaries',), repeat=16, rotations=16),
        *dataset('pascal_context', *splits, tasks=('boundaries',), repeat=2),
        *dataset('voc2007', 'train', 'val', tasks=('detection',), repeat=2),
        # Its semantic boundaries are of classes, those of SBD are of instances.
        *dataset('voc2012', *splits, tasks=two_task.TASKS, repeat=2),
        *dataset('sbd', *splits, tasks=('segmentation', 'semantic_boundaries'), repeat=2),
        *dataset('person_part', *splits, tasks=('parts',), repeat=2),
        *dataset('msra10k', 'train', tasks=('saliency',)),
        *dataset('nyudv2_gupta', 'train', tasks=('normals',), repeat=10),
    ]


def benchmarks(union: str) -> list[c.DatasetConfig]:
    common = [
        *dataset('bsds500', 'test', tasks=('boundaries',)),
        *dataset('nyudv2_gupta', 'test', tasks=('normals',)),
    ]
    if union == 'with_val':
        return [*dataset('voc2007', 'test', tasks=two_task.TASKS), *common]
    # The val split of VOC2012 is no benchmark: a third of SBD's training images are in it.
    return [
        *dataset('person_part', 'val', tasks=('parts',)),
        *dataset('sbd', 'val', tasks=('semantic_boundaries',)),
        *dataset('pascal_s', 'test', tasks=('saliency',)),
        *common,
    ]


def all_tasks(union: str) -> c.Config:
    return c.Config(
        name=f'ubernet:{union}',
        images=150_000,  # 5000 updates of 30 images
        tasks={name: make(**SETTINGS.get(name, {})) for name, make in c.PAPER.items()},
        model=c.ModelConfig(initialisation=c.Initialisation.FILE, statistics=c.Statistics.RUNNING),
        data=c.DataConfig(
            train=training_sets(union),
            leaks=c.Leaks.LEAVE_OUT,
            buckets=((641, 865), (865, 641), (641, 961), (961, 641)),
            workers=4,
        ),
        evaluation=c.EvaluationConfig(benchmarks=benchmarks(union)),
        log_every=100,
        checkpoint_every=2500,
        pictures_every=2500,
        evaluate_every=10_000,
    )


def get_config(variant: str = 'with_val') -> c.Config:
    if variant not in VARIANTS:
        raise UserError(f'ubernet.py:{variant}: unknown variant; known: {", ".join(VARIANTS)}')
    if variant in UNIONS:
        return all_tasks(variant)
    kind, _, argument = variant.partition(':')
    if kind == 'two_task':
        union = argument or 'with_val'
        config = two_task.restrict(all_tasks(union))
        # As the start of the other networks, it must not see the images of their benchmarks either.
        config.evaluation.benchmarks = [
            dataclasses.replace(benchmark, tasks=()) for benchmark in benchmarks(union)
        ]
        config.images = 10_000 * config.optim.shared.batch_size
    else:
        union = 'without_val' if argument in SCORED_WITHOUT_VAL else 'with_val'
        config = single_task.restrict(all_tasks(union), argument)
        config.optim.shared.batch_size = config.tasks[argument].batch_size
        config.images = 5000 * config.optim.shared.batch_size
    config.name = f'ubernet:{variant}'
    return config
