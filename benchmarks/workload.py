"""What memory and time are measured with: the network for any number of tasks, a labelled image."""

import dataclasses
import itertools
from collections.abc import Collection

from ubernet_jax.config import Config, TaskConfig
from ubernet_jax.datasets.scenes import draw_scene
from ubernet_jax.structs import Batch
from ubernet_jax.tasks import TASKS, Task
from ubernet_jax.training.collation import collate

# The one that takes the most memory first: no choice of a single task is harder to keep up with.
BY_MEMORY = (
    'semantic_boundaries', 'detection', 'boundaries', 'normals', 'saliency', 'segmentation',
    'parts',
)  # fmt: skip


def task_rows(count: int) -> dict[str, Task]:
    """The first `count` of the seven tasks, `BY_MEMORY`; beyond seven, 'NAME 2', 'NAME 3', ..."""
    rounds = itertools.count(1)
    names = (name if n == 1 else f'{name} {n}' for n in rounds for name in BY_MEMORY)
    return {
        name: dataclasses.replace(TASKS[_original(name)], name=name)
        for name in itertools.islice(names, count)
    }


def make_config(rows: Collection[str], **settings) -> Config:
    """The default configuration of a network with these tasks; `settings` as of `Config`."""
    return Config(tasks={name: TaskConfig() for name in rows}, **settings)


def make_batch(
    rows: dict[str, Task], size: tuple[int, int], labelled: Collection[str], images: int = 1
) -> Batch:
    """A micro-batch of synthetic scenes (height, width), with the labels of some of the tasks."""
    examples = [draw_scene(seed, *size) for seed in range(images)]
    for example in examples:
        example.labels = {name: example.labels[_original(name)] for name in rows}
    return collate(examples, size, rows, labelled, positive_share=0.5, max_boxes=50)


def _original(name: str) -> str:
    return name.split()[0]
