"""From examples to a micro-batch: padding, and labels as targets of the losses."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.batch import Batch
from ubernet_jax.example import Example
from ubernet_jax.tasks import Task


def collate(
    examples: Sequence[Example | None], size: tuple[int, int], tasks: Mapping[str, Task]
) -> Batch[np.ndarray]:
    """Pads examples to `size` at the bottom and the right, and turns labels into targets.

    Only tasks that an example is labelled for get a target: `add_absent_targets` makes the others
    on the device, where it costs nothing.

    Args:
      examples: none larger than `size`, with labels by the names of the tasks; None stands for
        padding: an image without valid pixels and labels.
      size: (height, width) of the batch.
      tasks: of the network.
    """
    images = len(examples)
    image = np.zeros((images, *size, 3), np.uint8)
    image_sizes, scales = np.zeros((images, 2), np.int32), np.ones((images, 2), np.float32)
    present = {name for example in examples if example is not None for name in example.labels}
    present = [name for name in tasks if name in present]
    labelled = {name: np.zeros(images, bool) for name in present}
    taught = {name: np.zeros(images, bool) for name in present}
    targets = {name: tasks[name].empty_target(images, size) for name in present}
    for index, example in enumerate(examples):
        if example is None:
            continue
        height, width = image_sizes[index] = example.image.shape[:2]
        image[index, :height, :width] = example.image
        scales[index] = example.scale
        for name in present:
            if name in example.labels:
                task, is_taught = tasks[name], name in example.taught
                write = task.write_taught if is_taught else task.write_target
                write(targets[name], index, example.labels[name])
                labelled[name][index], taught[name][index] = True, is_taught
    return Batch(
        image=image,
        image_sizes=image_sizes,
        scales=scales,
        targets=targets,
        labelled=labelled,
        taught=taught,
    )


def add_absent_targets(tasks: Mapping[str, Task], batch: Batch[jax.Array]) -> Batch[jax.Array]:
    """The batch with an empty target for every task that has none, made where this is called.

    Every micro-batch of a size then has the same structure, and one program takes all of them.
    """
    images, height, width, _ = batch.image.shape
    targets, labelled, taught = dict(batch.targets), dict(batch.labelled), dict(batch.taught)
    for name, task in tasks.items():
        if name not in targets:
            targets[name] = task.empty_target(images, (height, width), jnp)
            labelled[name] = taught[name] = jnp.zeros(images, bool)
    return batch.replace(targets=targets, labelled=labelled, taught=taught)
