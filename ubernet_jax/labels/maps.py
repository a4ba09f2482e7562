"""Base class of the kinds of labels that are one array: a value or a vector for every pixel."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.labels.grid import Grid, Window
from ubernet_jax.labels.kind import VOID, LabelKind, Part


@dataclasses.dataclass(frozen=True, kw_only=True)
class MapKind(LabelKind):
    """A label (H, W) or (H, W, K).

    Attributes:
      dtype: of the label in memory.
      vector: shape of the value at one pixel; () for a scalar.
      stored: dtype of the label in a record.
      target: dtype of the target that a loss compares with, the smallest that can hold it.
      unknown: value of unlabelled pixels in a target.
    """

    dtype: ClassVar[type[np.generic]] = np.uint8
    vector: ClassVar[tuple[int, ...]] = ()
    stored: ClassVar[type[np.generic]] = np.uint8
    target: ClassVar[type[np.generic]] = np.uint8
    unknown: ClassVar[int] = VOID

    @property
    def parts(self) -> dict[str, Part]:
        return {'map': Part(dtype=self.stored, shape=(None, None, *self.vector))}

    def pack(self, label: np.ndarray) -> dict[str, np.ndarray]:
        return {'map': label}

    def unpack(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        return parts['map']

    def flip(self, label: np.ndarray, width: int) -> np.ndarray:
        return label[:, ::-1]

    def resize(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        return self.resample(label, grid)

    def rotate(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        return self.resample(label, grid)

    @abc.abstractmethod
    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        """Resamples the label on another pixel grid."""

    def crop(self, label: np.ndarray, window: Window) -> np.ndarray:
        return label[window]

    def check(self, label: np.ndarray, size: tuple[int, int]) -> list[str]:
        if label.shape == (*size, *self.vector):
            return []
        return [f'has the shape {label.shape}, but its image needs {(*size, *self.vector)}']

    def empty_target(self, images: int, size: tuple[int, int], arrays: Any) -> Any:
        """Returns an unlabelled target (N, H, W, ...); `arrays` is numpy or jax.numpy."""
        return arrays.full((images, *size, *self.vector), self.unknown, self.target)


def histogram(label: np.ndarray) -> list[int]:
    """Counts how often each value 0..255 occurs in uint8 (H, W)."""
    return Image.fromarray(np.ascontiguousarray(label)).histogram()


def keep_lines(label: np.ndarray, line: np.ndarray, grid: Grid) -> np.ndarray:
    """Resamples by nearest neighbour, keeping pixels of a `line` (H, W) that this would skip."""
    result = grid.sample(label, Image.Resampling.NEAREST).copy()
    rows, columns = np.nonzero(line)
    targets = grid.place(rows, columns)
    inside = np.all((targets >= 0) & (targets < np.array(result.shape)[:, None]), axis=0)
    np.maximum.at(result, tuple(targets[:, inside]), label[rows[inside], columns[inside]])
    return result
