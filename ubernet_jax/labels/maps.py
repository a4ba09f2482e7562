"""Kinds of labels that are one array: a value, or a vector, for every pixel."""

import abc
import dataclasses
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.labels.kind import VOID, Grid, LabelKind, Part, Window


@dataclasses.dataclass(frozen=True, kw_only=True)
class MapKind(LabelKind):
    """A label (H, W) or (H, W, K).

    Attributes:
      dtype: of the label in memory.
      vector: its shape beyond (H, W).
      stored: dtype in a record.
      target: dtype of what a loss compares with, the smallest that holds it.
      unknown: value of a target's pixels that have no label.
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

    def unpack(self, parts: dict[str, np.ndarray]) -> np.ndarray:
        return parts['map']

    def flip(self, label: np.ndarray, width: int) -> np.ndarray:
        return label[:, ::-1]

    def resize(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        return self.resample(label, grid)

    def rotate(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        return self.resample(label, grid)

    @abc.abstractmethod
    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        """The label on another grid of pixels."""

    def crop(self, label: np.ndarray, window: Window) -> np.ndarray:
        return label[window]

    def check(self, label: np.ndarray, size: tuple[int, int]) -> list[str]:
        if label.shape == (*size, *self.vector):
            return []
        return [f'has the shape {label.shape}, not {(*size, *self.vector)}, that of its image']

    def empty_target(self, images: int, size: tuple[int, int], arrays: Any) -> Any:
        """A target (N, H, W, ...) without a label; `arrays` is numpy, or jax.numpy for a device."""
        return arrays.full((images, *size, *self.vector), self.unknown, self.target)


def histogram(label: np.ndarray) -> list[int]:
    """How often each value 0..255 occurs in uint8 (H, W)."""
    return Image.fromarray(np.ascontiguousarray(label)).histogram()


def keep_lines(label: np.ndarray, line: np.ndarray, grid: Grid) -> np.ndarray:
    """Nearest neighbour, but pixels of a `line` (H, W) that fall between the samples stay."""
    result = grid.sample(label, Image.Resampling.NEAREST).copy()
    rows, columns = np.nonzero(line)
    targets = grid.place(rows, columns)
    inside = np.all((targets >= 0) & (targets < np.array(result.shape)[:, None]), axis=0)
    np.maximum.at(result, tuple(targets[:, inside]), label[rows[inside], columns[inside]])
    return result
