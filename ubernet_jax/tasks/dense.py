"""The base class of dense tasks, which have scores for every pixel."""

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.losses.dense import dense_loss
from ubernet_jax.models.dense import DenseHead
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.ops.interpolate import subsample
from ubernet_jax.tasks.fixed_point import FixedPoint
from ubernet_jax.tasks.strips import Strip, join_strips, start_strips
from ubernet_jax.tasks.task import Size, Task
from ubernet_jax.tasks.views import View, align, mean


class MapLabel(Protocol):
    """A kind of label that a dense task can be trained on."""

    def empty_target(self, images: int, size: Size, arrays: Any) -> Any:
        """Returns a target (N, H, W, ...) without labels: see `Task.empty_target`."""


@dataclasses.dataclass(kw_only=True)
class DenseTask(Task):
    """A task whose head computes score maps. Its kind of label must be a `MapLabel`.

    Attributes:
      stride: image pixels per score: 1 (full resolution), 2, 4 or 8 (paper, section 2.2).
      hidden: width of a hidden layer whose scores are added to the linear scores of each skip; 0
        for no hidden layer, as in the paper.
      skips: names of the skips that the head uses, such as block_8 of a vision transformer; () for
        all, as in the paper.
      side_outputs: also put a loss on the map of every skip at every scale (deep supervision, HED,
        arXiv 1504.06375); `loss.graduated` makes its weight fall to 0.
    """

    averages_views: ClassVar[bool] = True

    stride: int = 1
    hidden: int = 0
    skips: tuple[str, ...] = ()
    side_outputs: bool = False

    @property
    @abc.abstractmethod
    def channels(self) -> int:
        """C, the number of score channels."""

    @abc.abstractmethod
    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the loss (N, h, w) of each pixel, and bool (N, h, w), the pixels that count.

        Args:
          scores: (N, h, w, C).
          target: (N, h, w, ...), as created by `empty_target` and `to_target`.
          valid: bool (N, h, w), False on padding and in images without a label.
        """

    @abc.abstractmethod
    def finish_strip(self, scores: jax.Array) -> Strip:
        """Maps scores (C, rows, W) of a strip of the image to arrays (rows, W, ...).

        It runs on the device. Floats leave the device as float16, and become float32 on the host;
        those from -1 to 1 are faster and more exact with `fixed_point.to_fixed_point`.
        """

    def to_target(self, label: Any) -> np.ndarray:
        """Converts a label (H, W, ...) to the values (H, W, ...) that the target stores."""
        return label

    def to_taught_target(self, label: Any) -> np.ndarray:
        """Converts a label of the kind `taught_label`, as `to_target` does."""
        return self.to_target(label)

    def compose(self, *arrays: np.ndarray) -> Any:
        """Builds the result from the arrays of `finish_strip`, joined to the full image."""
        (result,) = arrays
        return result

    def validate(self, where: str) -> None:
        super().validate(where)
        require_setting(self.stride in (1, 2, 4, 8), f'{where}.stride', self.stride, '1, 2, 4 or 8')
        require_setting(self.hidden >= 0, f'{where}.hidden', self.hidden, '0 or more')

    def head(self, model: ModelConfig) -> nn.Module:
        trunk = TRUNKS[model.trunk]
        return DenseHead(
            self.channels,
            trunk.skips(model, self.skips),
            self.stride,
            self.hidden,
            self.side_outputs,
            trunk.grid.patches,
            jnp.dtype(model.precision.value),
        )

    def init_head(self, head: nn.Module, rng: jax.Array, features: Features) -> dict:
        return cast(dict, head.init(rng, features)['params'])

    def outputs(
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        target: jax.Array,
        image_sizes: jax.Array,
        scales: jax.Array,
        rng: jax.Array,
    ) -> list[jax.Array]:
        """Returns the score maps: see `DenseHead`."""
        return cast(list[jax.Array], head.apply({'params': params}, features))

    def loss(
        self,
        outputs: list[jax.Array],
        target: jax.Array,
        valid: jax.Array,
        labelled: jax.Array,
        scale_weight: jax.Array | float = 1.0,
    ) -> jax.Array:
        valid = subsample(valid, self.stride)
        return dense_loss(self.pixel_loss, outputs, target, valid, labelled, scale_weight)

    def predict(
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        image_sizes: jax.Array,
        scales: jax.Array,
    ) -> jax.Array:
        """Returns the fused scores (N, h, w, C), float32."""
        return cast(list[jax.Array], head.apply({'params': params}, features))[-1]

    def average(self, outputs: Sequence[jax.Array], views: Sequence[View]) -> jax.Array:
        """Averages what `mean_scores` defines, after interpolation to the largest view."""
        return self.mean_scores(align(outputs, views, self.stride, self.label_kind.mirror_signs))

    def mean_scores(self, scores: Sequence[jax.Array]) -> jax.Array:
        """Returns the scores of the mean prediction, by default the mean of the scores.

        Args:
          scores: for each view float32 (N, h, w, C), all at the same positions.
        """
        return mean(scores)

    def describe_export(self) -> dict[str, Any]:
        return super().describe_export() | {'stride': self.stride}

    def empty_target(self, images: int, size: Size, arrays: Any = np) -> Any:
        """Returns a target for the pixels that have scores: those of every `stride`-th row and
        column."""
        height, width = (math.ceil(side / self.stride) for side in size)
        return cast(MapLabel, self.label).empty_target(images, (height, width), arrays)

    def write_target(self, target: np.ndarray, index: int, label: Any) -> None:
        _write(target, index, self.to_target(label), self.stride)

    def write_taught(self, target: np.ndarray, index: int, label: Any) -> None:
        _write(target, index, self.to_taught_target(label), self.stride)

    def finish(self, output: jax.Array, size: Size, image_sizes: np.ndarray) -> list[Strip]:
        """Interpolates the scores to the image's size and then computes the result from them."""
        return start_strips(self.finish_strip, output, size, self.stride, image_sizes)

    def result(
        self, finished: Sequence[tuple[np.ndarray | FixedPoint, ...]], size: Size, image_size: Size
    ) -> Any:
        return self.compose(*join_strips(finished, image_size))


def _write(target: np.ndarray, index: int, values: np.ndarray, stride: int) -> None:
    """Writes every `stride`-th of values (H, W, ...) into the upper left of an image's target."""
    values = values[::stride, ::stride]
    height, width = values.shape[:2]
    target[index, :height, :width] = values
