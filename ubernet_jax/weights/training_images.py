"""The images that a trained network, and its teachers, were trained on."""

import pathlib

from ubernet_jax.config import Config
from ubernet_jax.datasets.checks.teachers import find_training_images
from ubernet_jax.datasets.taught_labels import TrainingImages
from ubernet_jax.weights.trained import open_checkpoint, read_training_data


def find_images_of(source: pathlib.Path, config: Config) -> list[TrainingImages]:
    """Finds the images of a network, of the teachers of its labels, and of those of its features.

    Args:
      source: what `open_checkpoint` opens.
      config: its configuration; `data.directory` has its prepared datasets.

    Raises:
      UserError: a network cannot be read, or its images are not prepared.
    """
    lists = read_training_data(source)
    ids = None if lists is None else [part['ids'] for part in lists]
    images = find_training_images(config, ids)
    for task in config.tasks.values():
        if task.distill_from:
            teacher = pathlib.Path(task.distill_from)
            of_teacher = open_checkpoint(teacher).config
            of_teacher.data.directory = config.data.directory
            images += find_images_of(teacher, of_teacher)
    return images
