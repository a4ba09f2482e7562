"""What a kind of task is: one class that holds all that is known of it, on top of a kind of label.

Shape letters: N images of a batch, H x W pixels.
"""

import abc
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax
import numpy as np

from ubernet_jax.errors import UserError, require_setting
from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.kind import check_class_names, defining_module, find_registered
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.tasks.group import GroupConfig
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import Style

Size = tuple[int, int]  # height, width


@dataclasses.dataclass(kw_only=True)
class Task(GroupConfig, abc.ABC):
    """A task of a network: its settings as fields, and what follows from its kind as methods.

    Its name is the key under which a configuration has it: of its parameter group, its labels, its
    results and their files.

    Attributes:
      kind: the name of the kind, in `config.json`.
      label_kind: of its labels.
      meaning: what its head gives, for those who run the network without this package.
      suffixes: what the names of its results and arrays add to the task's, after a `_`; of kinds
        that have several.
      weight: gamma_t, the factor on the task's loss.
      classes: names of the classes, the background first; empty takes those of the training data.
        Tasks whose labels have no classes have none.
    """

    kind: ClassVar[str]
    label_kind: ClassVar[type[LabelKind]]
    meaning: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()

    weight: float = 1.0
    classes: tuple[str, ...] = ()

    # Settings.

    @property
    def label(self) -> LabelKind:
        """What its labels must be."""
        has_classes = self.label_kind.has_classes
        return self.label_kind(classes=tuple(self.classes)) if has_classes else self.label_kind()

    def validate(self, where: str) -> None:
        super().validate(where)
        require_setting(self.weight > 0, f'{where}.weight', self.weight, 'above 0')
        if self.classes:
            fits = self.label_kind.has_classes
            allowed = f'empty: tasks of kind {self.kind} have no classes'
            require_setting(fits, f'{where}.classes', self.classes, allowed)
            check_class_names(tuple(self.classes), f'config: {where}.classes')

    def to_json(self) -> dict[str, Any]:
        """What the fields alone do not tell: the kind."""
        return {'kind': self.kind, **defining_module(type(self))}

    # The head and its loss, on the device.

    @abc.abstractmethod
    def head(self, model: ModelConfig) -> nn.Module:
        """The head, on the features of a trunk."""

    @abc.abstractmethod
    def init_head(self, head: nn.Module, rng: jax.Array, features: Features) -> dict:
        """Random parameters of the head, for features of one image."""

    @abc.abstractmethod
    def outputs(
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        target: Any,
        image_sizes: jax.Array,
        rng: jax.Array,
    ) -> Any:
        """What the head gives in training, for `loss`.

        Args:
          head: as `head` makes it.
          params: of the head.
          features: of the micro-batch.
          target: of the micro-batch; some heads draw their samples around it.
          image_sizes: int32 (N, 2), height and width of each image without padding.
          rng: of what is random in the head.
        """

    @abc.abstractmethod
    def loss(
        self,
        outputs: Any,
        target: Any,
        valid: jax.Array,
        labelled: jax.Array,
        scale_weight: jax.Array | float = 1.0,
    ) -> jax.Array:
        """Sum over the labelled images of the task's loss, a scalar.

        Args:
          outputs: as `outputs` gives them.
          target: of the micro-batch.
          valid: bool (N, H, W), False on padding.
          labelled: bool (N,); the gradient of an image that is not is exactly zero.
          scale_weight: of the single scales' score maps; that of the fused one is 1.
        """

    @abc.abstractmethod
    def predict(
        self, head: nn.Module, params: dict, features: Features, image_sizes: jax.Array
    ) -> Any:
        """What the head gives for whole images of `image_sizes` (N, 2): arrays with N in front."""

    def exported(self, output: Any) -> Any:
        """What an exported program returns of `predict`: an array, or arrays by name."""
        return output

    def describe_export(self) -> dict[str, Any]:
        """What `export.json` says of that."""
        return {'meaning': self.meaning, 'classes': list(self.classes)}

    # Targets, on the host.

    @abc.abstractmethod
    def empty_target(self, images: int, size: Size, arrays: Any = np) -> Any:
        """A target of images (N, H, W) without a label.

        Args:
          images: N.
          size: H, W.
          arrays: numpy, or jax.numpy to make it on a device.
        """

    @abc.abstractmethod
    def write_target(self, target: Any, index: int, label: Any) -> None:
        """Writes the label of one image, in the upper left, to its place in an empty target."""

    def find_excess(self, counts: np.ndarray) -> str:
        """Says so where images have more objects than the task takes; else empty.

        Args:
          counts: int (n,), of each image of a dataset: see `LabelKind.count`.
        """
        return ''

    # Results of one image, on the host.

    @abc.abstractmethod
    def finish(self, output: Any, size: Size, image_size: Size) -> Any:
        """The result at the image's own size.

        Args:
          output: as `predict` gives it, of one image, as numpy arrays.
          size: (height, width) at which the image entered the network.
          image_size: (height, width) of the image.
        """

    def finish_for_metrics(self, output: Any, size: Size, image_size: Size) -> Any:
        """What `prediction` hands to the metrics, at the image's own size; as `finish`."""
        return self.finish(output, size, image_size)

    def arrays(self, name: str, result: Any) -> dict[str, np.ndarray]:
        """The result as arrays for a `.npz` file, by names that begin with the task's `name`."""
        return {name: result}

    def save(self, name: str, result: Any, folder: pathlib.Path) -> None:
        """Writes files of the result beside its picture and its arrays; most kinds have none."""
        return

    # Evaluation.

    @abc.abstractmethod
    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        """Name of a result, which begins with the task's `name` -> fresh metric.

        Args:
          name: of the task.
          thresholds: at how many maps of strengths are scored.
          kinds: of all labels of the benchmark, by their names there.
        """

    def prediction(self, name: str, result: str, measured: Any) -> Any:
        """What the metric of a result takes as prediction, of what `finish_for_metrics` gave."""
        return measured

    def truth(self, label: Any, example: Example) -> Any:
        """What the metrics take as ground truth: usually the label itself.

        Args:
          label: of the task.
          example: the image with all labels of the benchmark, by their names there.
        """
        return label

    # Pictures and words.

    def draw(self, result: Any, image: np.ndarray, style: Style) -> np.ndarray:
        """uint8 (H, W, 3), RGB: the result of an image, drawn as labels are."""
        return self.label.draw(result, image, style)

    def legend(self, result: Any) -> dict[str, Colour]:
        """Name -> colour of what is to be seen in `draw(result, ...)`."""
        return self.label.legend(result)

    def key(self, result: Any, side: int) -> np.ndarray | None:
        """A picture of what the colours mean: see `LabelKind.key`."""
        return self.label.key(result, side)

    @abc.abstractmethod
    def describe_point(self, result: Any, x: int, y: int, least: float) -> str:
        """The result at column `x` and row `y` in words; `least` is the score boxes must have."""


KINDS: dict[str, type[Task]] = {}


def register(kind: type[Task]) -> type[Task]:
    """Makes a kind of task known by its name; a class decorator."""
    KINDS[kind.kind] = kind
    return kind


def find_kind(plain: Mapping[str, Any], what: str) -> type[Task]:
    """The class of a task that a configuration in JSON describes.

    Raises:
      UserError: its kind is not known; or it has none, as in files of versions before 0.2.
    """
    if 'kind' not in plain:
        raise UserError(
            f'{what} does not say of what kind it is: it was written by a version before 0.2, '
            'which this one does not read: train, export or import it again, or install '
            'ubernet_jax 0.1'
        )
    return find_registered(KINDS, plain, what)


def select_tasks(tasks: Mapping[str, Any], wanted: Sequence[str] | str | None) -> tuple[str, ...]:
    """Names of a network's tasks, or that or those of them that are wanted, in its order.

    Raises:
      UserError: the network has no such task.
    """
    wanted = (wanted,) if isinstance(wanted, str) else wanted
    unknown = set(wanted or ()) - set(tasks)
    if unknown:
        raise UserError(
            f'unknown task {", ".join(sorted(unknown))}: this network has {", ".join(tasks)}'
        )
    return tuple(name for name in tasks if wanted is None or name in wanted)
