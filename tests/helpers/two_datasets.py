"""Two training sets in memory with different labels, for tests of what a step reads."""

from helpers.memory_datasets import MemoryDataset
from ubernet_jax.config import DataConfig
from ubernet_jax.labels import ClassMap, UnitVectors
from ubernet_jax.tasks import Normals, Segmentation, SoftMask
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.training_sets import TrainingSet

LANDSCAPE, PORTRAIT = (33, 65), (65, 33)
STEPS = 40
CLASSES = tuple('abcde')
PHOTOGRAPHS = MemoryDataset(
    name='photographs',
    green=100,
    sizes=[(30, 40), (20, 60), (60, 30), (31, 64), (90, 40)],
    labels={'segmentation': ClassMap(classes=CLASSES)},
)
ROOMS = MemoryDataset(
    name='rooms',
    green=200,
    sizes=[(33, 65)] * 4,
    labels={'segmentation': ClassMap(classes=CLASSES), 'surfaces': UnitVectors()},
    labelled={'surfaces': [True, True, False, True]},
)
TASKS = {
    'normals': Normals(),
    'segmentation': Segmentation(classes=CLASSES),
    'saliency': SoftMask(),
}
SETS = [
    TrainingSet(dataset=PHOTOGRAPHS, repeat=1, labels={'segmentation': 'segmentation'}),
    TrainingSet(dataset=ROOMS, repeat=2, labels={'normals': 'surfaces'}),
]
EPOCH = 2 + 1 + 4  # micro-batches: of three and two photographs, and of four rooms twice


def make_config(**data: object) -> DataConfig:
    """Two buckets, and two images per micro-batch."""
    return DataConfig(**{'buckets': (LANDSCAPE, PORTRAIT), 'images_per_micro_batch': 2, **data})


def make_batches(
    seed: int = 0, steps: int = STEPS, process: tuple[int, int] = (0, 1), **data: object
) -> MicroBatches:
    """Five photographs, two of them upright, and four rooms, each shown twice for its normals."""
    return MicroBatches(Epochs(SETS, make_config(**data), seed), TASKS, seed, steps, process)
