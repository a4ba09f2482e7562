"""What memory and time are measured with: the network for any number of tasks, a labelled image."""

import itertools
from collections.abc import Collection, Mapping

from ubernet_jax.batch import Batch
from ubernet_jax.config import PAPER, Config
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.tasks import Task
from ubernet_jax.training.collation import collate

SEVEN = tuple(PAPER)
DENSE = tuple(name for name in PAPER if name != 'detection')
# The one that takes the most memory first: no choice of a single task is harder to keep up with.
BY_MEMORY = (
    'semantic_boundaries', 'detection', 'boundaries', 'normals', 'saliency', 'segmentation',
    'parts',
)  # fmt: skip
COPY = '__'  # between the name of one of the seven and the number of its copy


def count_tasks(count: int) -> list[str]:
    """The first `count` of the seven, `BY_MEMORY`; beyond seven, NAME__2, NAME__3, ..."""
    rounds = itertools.count(1)
    names = (name if n == 1 else f'{name}{COPY}{n}' for n in rounds for name in BY_MEMORY)
    return list(itertools.islice(names, count))


def make_config(names: Collection[str], **settings) -> Config:
    """A network with these tasks, of the seven or copies of them; `settings` as of `Config`."""
    return Config(steps=1, tasks={name: PAPER[_original(name)]() for name in names}, **settings)


def make_batch(
    tasks: Mapping[str, Task], size: tuple[int, int], labelled: Collection[str], images: int = 1
) -> Batch:
    """A micro-batch of synthetic scenes (height, width) on the host, labelled for some tasks."""
    scenes = [draw_scene(seed, *size) for seed in range(images)]
    labels = {name: _original(name) for name in labelled}
    return collate([scene.rename(labels) for scene in scenes], size, tasks)


def _original(name: str) -> str:
    return name.split(COPY)[0]
