"""Datasets in memory with identifiable images, for tests of the images in a training step."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from helpers.examples import make_boxes
from ubernet_jax.example import Example
from ubernet_jax.labels import Boxes, ClassMap, LabelKind, UnitVectors

UP = np.float32([0, 0.6, 0.8])  # the value of all unit vectors


@dataclasses.dataclass(kw_only=True)
class MemoryDataset:
    """Uniformly coloured images: red is the index of the image, green identifies the dataset.

    The class map of an image has the value of its index; the image with index i has i + 1 boxes of
    class 1.

    Attributes:
      name: name of the dataset.
      green: green value of the images.
      sizes: height and width of each image.
      labels: name -> kind.
      labelled: label -> bool (n,), which images have the label; by default all.
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
        make_label = {
            ClassMap: lambda: np.full((height, width), index, np.uint8),
            UnitVectors: lambda: np.broadcast_to(UP, (height, width, 3)),
            Boxes: lambda: make_boxes(*[(0, 0, n + 2, n + 2, 1, False) for n in range(index + 1)]),
        }
        present = {name: kind for name, kind in self.labels.items() if self.labelled[name][index]}
        labels = {name: make_label[type(kind)]() for name, kind in present.items()}
        return Example(id=self.ids[index], image=image, labels=labels, kinds=self.labels)

    @property
    def source(self) -> str:
        return f'{self.name}:{self.split}'

    @property
    def fingerprints(self) -> np.ndarray:
        return np.full((len(self), 4), [self.green, 0, 0, 0], np.uint64)

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
