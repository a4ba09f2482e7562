"""The workload of the benchmarks: the network for any number of tasks, and labelled images."""

import itertools
from collections.abc import Collection, Mapping

from ubernet_jax.batch import Batch
from ubernet_jax.config import PAPER, Config
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.tasks import Task
from ubernet_jax.training.collation import collate

SEVEN = tuple(PAPER)
DENSE = tuple(name for name in PAPER if name != 'detection')
# The task with the most memory is first: it is the strictest baseline of a single task.
BY_MEMORY = (
    'semantic_boundaries', 'detection', 'boundaries', 'normals', 'saliency', 'segmentation',
    'parts',
)  # fmt: skip
COPY = '__'  # between the name of a task and the number of its copy


def count_tasks(count: int) -> list[str]:
    """Returns the first `count` names of `BY_MEMORY`, followed by copies NAME__2, NAME__3, ..."""
    rounds = itertools.count(1)
    names = (name if n == 1 else f'{name}{COPY}{n}' for n in rounds for name in BY_MEMORY)
    return list(itertools.islice(names, count))


def make_config(names: Collection[str], **settings) -> Config:
    """Returns a configuration with these tasks (or copies) and further fields of `Config`."""
    return Config(steps=1, tasks={name: PAPER[original(name)]() for name in names}, **settings)


def make_batch(
    tasks: Mapping[str, Task], size: tuple[int, int], labelled: Collection[str], images: int = 1
) -> Batch:
    """Makes a micro-batch of synthetic scenes on the host, labelled for some of the tasks."""
    scenes = [draw_scene(seed, *size) for seed in range(images)]
    labels = {name: original(name) for name in labelled}
    return collate([scene.rename(labels) for scene in scenes], size, tasks)


def original(name: str) -> str:
    """The task that a task of `count_tasks` is a copy of, or itself."""
    return name.split(COPY)[0]
