"""The base class of all kinds of tasks, which builds on a kind of label.

Shape letters: N images of a batch, H x W pixels.
"""

import abc
import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

import flax.linen as nn
import jax
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.kind import check_class_names, defining_module
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.tasks.teaching import Size, Teaching
from ubernet_jax.tasks.views import View
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style


@dataclasses.dataclass(kw_only=True)
class Task(Teaching, abc.ABC):
    """A task of a network: its settings are fields, and the behaviour of its kind is in methods.

    A task's name is its key in the configuration. The same name is used for its parameter group,
    its labels, its results and their files.

    Attributes:
      kind: name of the kind in `config.json`.
      label_kind: kind of the task's labels.
      meaning: description of the head's output, for users who run an exported network without this
        package.
      suffixes: for kinds with several results or arrays: what each appends to the task's name,
        after a `_`.
      pretrained: paths of the head's layers that networks for classification have too, so that they
        need not start at random.
      voc_list: folder of VOC's `ImageSets` with the list of the test images on which VOC scores
        results of this kind; empty if it does not.
      scored_as: the tasks of `ubernet score` as which presets score results of this kind: the one
        that is named as the label, else the first; empty if no preset scores them.
      averages_views: whether predictions for several views of a photograph are averaged.
      in_onnx: whether the head can be converted to ONNX.
      weight: gamma_t, the factor on the task's loss.
      classes: names of the classes, the background first; empty takes the classes of the training
        data. Must be empty for tasks whose labels have no classes.
    """

    kind: ClassVar[str]
    label_kind: ClassVar[type[LabelKind]]
    meaning: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    pretrained: ClassVar[tuple[str, ...]] = ()
    voc_list: ClassVar[str] = ''
    scored_as: ClassVar[tuple[str, ...]] = ()
    averages_views: ClassVar[bool] = False
    in_onnx: ClassVar[bool] = True

    weight: float = 1.0
    classes: tuple[str, ...] = ()

    # Settings.

    @property
    def label(self) -> LabelKind:
        """The kind and the classes that the task's labels must have."""
        if not self.label_kind.has_classes:
            return self.label_kind()
        make_label = cast(Callable[..., LabelKind], self.label_kind)
        return make_label(classes=tuple(self.classes))

    def validate(self, where: str) -> None:
        super().validate(where)
        require_setting(self.weight > 0, f'{where}.weight', self.weight, 'above 0')
        if self.classes:
            fits = self.label_kind.has_classes
            allowed = f'empty: tasks of kind {self.kind} have no classes'
            require_setting(fits, f'{where}.classes', self.classes, allowed)
            check_class_names(tuple(self.classes), f'config: {where}.classes')

    def adopt(self, stored: 'Task') -> 'Task':
        """Returns the task with the settings that weights trained as the task `stored` need."""
        return self

    def fitted_to(self, side: int) -> 'Task':
        """Returns the task with settings that suit training images of a long side of `side` pixels.

        New configurations have them.
        """
        return self

    def to_json(self) -> dict[str, Any]:
        """Returns what `config.json` needs in addition to the fields: the kind."""
        return {'kind': self.kind, **defining_module(type(self))}

    # The head and its loss, on the device.

    @abc.abstractmethod
    def head(self, model: ModelConfig) -> nn.Module:
        """Builds the head, whose input is the trunk's features."""

    @abc.abstractmethod
    def init_head(self, head: nn.Module, rng: jax.Array, features: Features) -> dict:
        """Returns randomly initialised parameters of the head, given features of one image."""

    @abc.abstractmethod
    def outputs(
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        target: Any,
        image_sizes: jax.Array,
        scales: jax.Array,
        rng: jax.Array,
    ) -> Any:
        """Runs the head in training; returns what `loss` takes.

        Args:
          head: built by the method `head`.
          params: parameters of the head.
          features: features of the micro-batch.
          target: target of the micro-batch; some heads draw their samples around it.
          image_sizes: int32 (N, 2), height and width of each image without padding.
          scales: float32 (N, 2), vertical and horizontal pixels of each image per pixel of its
            photograph.
          rng: random key of the head.
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
        """Returns the loss of each image (N,); 0 for unlabelled images.

        Args:
          outputs: what the method `outputs` returned.
          target: target of the micro-batch.
          valid: bool (N, H, W), False on padding.
          labelled: bool (N,); the gradient of an unlabelled image is exactly zero.
          scale_weight: weight of the score maps of the single pyramid levels; the weight of the
            fused map is 1.
        """

    @abc.abstractmethod
    def predict(
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        image_sizes: jax.Array,
        scales: jax.Array,
    ) -> Any:
        """Runs the head on full images; the last two arguments are those of `outputs`.

        Returns arrays whose first axis has length N.
        """

    def average(self, outputs: Sequence[Any], views: Sequence[View]) -> Any:
        """Averages the outputs of `predict` for several views; only with `averages_views`.

        Args:
          outputs: for each view.
          views: the views.

        Returns:
          An output for the largest view.
        """
        raise NotImplementedError(f'outputs of tasks of kind {self.kind} are not averaged')

    def exported(self, output: Any) -> Any:
        """Returns the part of `predict`'s output that an exported program returns.

        An array, or a mapping from names to arrays.
        """
        return output

    def describe_export(self) -> dict[str, Any]:
        """Returns the description of the exported output for `export.json`."""
        return {'meaning': self.meaning, 'classes': list(self.classes)}

    # Targets, on the host.

    @abc.abstractmethod
    def empty_target(self, images: int, size: Size, arrays: Any = np) -> Any:
        """Returns a target without labels for images (N, H, W).

        Args:
          images: N.
          size: H, W.
          arrays: numpy, or jax.numpy to create the target on a device.
        """

    def find_excess(self, counts: np.ndarray) -> str:
        """Describes the images that have more objects than the task takes; empty if none has.

        Args:
          counts: int (n,), number of objects in each image of a dataset: see `LabelKind.count`.
        """
        return ''

    # Results: computed on the device, then composed on the host.

    def finish(self, output: Any, size: Size, image_sizes: np.ndarray) -> Any:
        """Starts what the device computes from the network's output, and does not wait for it.

        Args:
          output: output of `predict`, on the device.
          size: (height, width) at which the images entered the network.
          image_sizes: int32 (N, 2), original height and width of the images.

        Returns:
          Arrays on the device whose first axis has length N: all that the host needs, small.
        """
        return output

    def finish_for_metrics(self, output: Any, size: Size, image_sizes: np.ndarray) -> Any:
        """As `finish`, for `result_for_metrics`."""
        return self.finish(output, size, image_sizes)

    def finish_for_teaching(self, output: Any, size: Size, image_sizes: np.ndarray) -> Any:
        """As `finish`, for `teach`."""
        return self.finish(output, size, image_sizes)

    @abc.abstractmethod
    def result(self, finished: Any, size: Size, image_size: Size) -> Any:
        """Composes the result of one image at its original size.

        Args:
          finished: what `finish` returned, for one image, as numpy arrays.
          size: (height, width) at which the image entered the network.
          image_size: original (height, width) of the image.
        """

    def result_for_metrics(self, finished: Any, size: Size, image_size: Size) -> Any:
        """Returns what the method `prediction` takes, at the image's original size.

        The arguments are those of `result`, but from `finish_for_metrics`.
        """
        return self.result(finished, size, image_size)

    def arrays(self, name: str, result: Any) -> dict[str, np.ndarray]:
        """Returns the result as arrays for a `.npz` file; their names start with the task's."""
        return {name: result}

    def save(self, name: str, result: Any, folder: pathlib.Path) -> None:
        """Writes further files of the result, beside its picture and arrays; by default none."""
        return

    def voc_results(self, image: str, result: Any) -> dict[str, bytes]:
        """Returns the result in VOC's format, if `voc_list` is set: see `tasks.voc_results`."""
        raise NotImplementedError(f'VOC does not score results of kind {self.kind}')

    # Evaluation.

    @abc.abstractmethod
    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        """Returns a new metric for each result; the names of results start with the task's name.

        Args:
          name: name of the task.
          thresholds: number of thresholds at which maps of strengths are scored.
          kinds: kinds of all labels of the benchmark, by their names there; under `name`, the
            kind of the label that the task is scored on.
        """

    def prediction(self, name: str, result: str, finished: Any) -> Any:
        """Returns the prediction that the metric of a result takes.

        Args:
          name: name of the task.
          result: name of the result, a key of `metrics`.
          finished: what `result_for_metrics` returned.
        """
        return finished

    def truth(self, label: Any, example: Example) -> Any:
        """Returns the ground truth that the metrics take: usually the label itself.

        Args:
          label: label of the task.
          example: the image with all labels of the benchmark, by their names there.
        """
        return label

    # Pictures and descriptions.

    def draw(self, result: Any, image: np.ndarray, style: Style) -> np.ndarray:
        """Draws the result of an image as labels are drawn; returns uint8 (H, W, 3), RGB."""
        return self.label.draw(result, image, style)

    def legend(self, result: Any, style: Style = DEFAULT_STYLE) -> dict[str, Colour]:
        """Returns name -> colour of the classes visible in `draw(result, ..., style)`."""
        return self.label.legend(result, style)

    def key(self, result: Any, side: int) -> np.ndarray | None:
        """Draws the meaning of the colours: see `LabelKind.key`."""
        return self.label.key(result, side)

    @abc.abstractmethod
    def describe_point(self, result: Any, x: int, y: int, min_score: float) -> str:
        """Describes the result at column `x` and row `y` in words.

        Boxes with a score below `min_score` are left out.
        """
