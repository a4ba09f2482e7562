"""Datasets in memory, whose images tell what they are: for tests of what a step sees."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from helpers.tiny_datasets import make_boxes
from ubernet_jax.example import Example
from ubernet_jax.labels import Boxes, ClassMap, LabelKind, UnitVectors

UP = np.float32([0, 0.6, 0.8])  # every unit vector


@dataclasses.dataclass(kw_only=True)
class MemoryDataset:
    """Images of one colour: the red is an image's index, the green tells the dataset.

    A class map is of the index too; boxes of an image with index i are i + 1 squares of class 1.

    Attributes:
      name: of the dataset.
      green: of its images.
      sizes: height and width of each.
      labels: name -> kind.
      labelled: label -> bool (n,), which images have it; where it is not named all have it.
    """

    name: str
    green: int
    sizes: np.ndarray
    labels: Mapping[str, LabelKind]
    labelled: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    split: str = 'train'

    def __post_init__(self) -> None:
        self.sizes = np.reshape(self.sizes, (-1, 2)).astype(int)
        everywhere = dict.fromkeys(self.labels, np.ones(len(self.sizes), bool))
        self.labelled = everywhere | {name: np.array(a, bool) for name, a in self.labelled.items()}

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Example:
        height, width = self.sizes[index]
        image = np.zeros((height, width, 3), np.uint8)
        image[..., :2] = index, self.green
        label = {
            ClassMap: lambda: np.full((height, width), index, np.uint8),
            UnitVectors: lambda: np.broadcast_to(UP, (height, width, 3)),
            Boxes: lambda: make_boxes(*[(0, 0, n + 2, n + 2, 1, False) for n in range(index + 1)]),
        }
        present = {name: kind for name, kind in self.labels.items() if self.labelled[name][index]}
        labels = {name: label[type(kind)]() for name, kind in present.items()}
        return Example(id=self.ids[index], image=image, labels=labels, kinds=self.labels)

    @property
    def source(self) -> str:
        return f'{self.name}:{self.split}'

    @property
    def ids(self) -> list[str]:
        return [f'id{index}' for index in range(len(self))]

    @property
    def counts(self) -> dict[str, np.ndarray]:
        boxes = np.arange(len(self)) + 1
        return {
            name: np.where(self.labelled[name], boxes, 0) if isinstance(kind, Boxes) else 0 * boxes
            for name, kind in self.labels.items()
        }
