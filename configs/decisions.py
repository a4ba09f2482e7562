"""Normals of one dataset and parts of another, at 65x97 pixels, for comparing settings in minutes.

    ubernet prepare folder/kitchen folder/fashion --source DIR
    ubernet train --config decisions --workdir runs/decisions
    ubernet evaluate --checkpoint runs/decisions

As in `configs/ubernet.py`, the solver is SGD, each micro-batch has one image, running statistics
normalise the skips, and the length of the normals has a loss. The last three blocks of VGG-16 are
trained, from ImageNet weights. Results: docs/results/decisions.md.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import ubernet

TASKS = {'folder/kitchen': 'normals', 'folder/fashion': 'parts'}
GROUP = {'learning_rate': 1e-3, 'decay_at': (0.6,)}
NEVER = 1_000_000  # steps; pictures of the last step are drawn nevertheless


def datasets(split: str) -> list[c.DatasetConfig]:
    return [c.DatasetConfig(name=name, split=split, tasks=(task,)) for name, task in TASKS.items()]


def get_config() -> c.Config:
    return c.Config(
        name='decisions',
        images=600,
        tasks={
            'normals': c.Normals(batch_size=2, **GROUP | ubernet.SETTINGS['normals']),
            'parts': c.PAPER['parts'](batch_size=2, **GROUP),
        },
        model=c.ModelConfig(
            scales=1,
            frozen_blocks=2,
            remat=False,  # small images fit into memory without recomputation
            precision=c.Precision.BFLOAT16,
            statistics=c.Statistics.RUNNING,
        ),
        optim=c.OptimConfig(shared=c.GroupConfig(batch_size=6, **GROUP)),
        data=c.DataConfig(train=datasets('train'), buckets=((65, 97), (97, 65))),
        input_size=c.InputSizeConfig(short_side=65, long_side=97, area=65 * 97),
        evaluation=c.EvaluationConfig(benchmarks=datasets('test')),
        log_every=20,
        checkpoint_every=NEVER,
        pictures_every=NEVER,
        evaluate_every=NEVER,
    )
