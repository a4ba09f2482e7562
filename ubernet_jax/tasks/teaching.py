"""Labels and features of trained networks, the teachers, and how others are trained on them."""

import abc
import dataclasses
from typing import Any

from ubernet_jax.errors import require_setting
from ubernet_jax.labels import LabelKind
from ubernet_jax.tasks.group import GroupConfig

Size = tuple[int, int]  # height, width


def taught_name(task: str) -> str:
    """The name of what is reported about the taught labels of a task, apart from the others."""
    return f'{task} (taught)'


def distilled_name(task: str) -> str:
    """The name of what is reported about the features that a task's teacher gives."""
    return f'{task} (distilled)'


@dataclasses.dataclass(kw_only=True)
class Teaching(GroupConfig, abc.ABC):
    """The part of a task that makes and uses taught labels, and uses features of a teacher.

    Attributes:
      taught_weight: factor, 0 to 1, on the loss of a taught label, and its share of a sample in the
        counter of the task; 0 leaves these labels out.
      taught_confidence: 0 to 1; pixels and boxes of which a teacher was less certain are unknown.
        Kinds whose predictions have no confidence ignore it.
      distill_from: a network for this task, such as `runs/saliency`, whose features at the branch
        point the trunk learns to predict by a linear map (arXiv 2007.06889), from images that are
        labelled for the task; empty for none. It needs the same `model.trunk` and `model.width`.
      distill_weight: factor on the squared distance, 0 to 4, from the features of `distill_from`.
    """

    taught_weight: float = 1.0
    taught_confidence: float = 0.5
    distill_from: str = ''
    distill_weight: float = 1.0

    def validate(self, where: str) -> None:
        super().validate(where)
        for field in ('taught_weight', 'taught_confidence'):
            value = getattr(self, field)
            require_setting(0 <= value <= 1, f'{where}.{field}', value, '0 to 1')
        weight = self.distill_weight
        require_setting(weight > 0, f'{where}.distill_weight', weight, 'above 0')

    @property
    @abc.abstractmethod
    def label(self) -> LabelKind:
        """The kind and the classes that the task's labels must have."""

    @property
    def taught_label(self) -> LabelKind:
        """The kind and the classes of the labels that `teach` returns."""
        return self.label

    def teach(self, finished: Any, size: Size, image_size: Size) -> Any:
        """Composes a label of one image, with its confidence if any; by default, the result.

        Args:
          finished: what `finish_for_teaching` returned, for one image, as numpy arrays.
          size: (height, width) at which the image entered the network.
          image_size: original (height, width) of the image.
        """
        return self.result(finished, size, image_size)

    def write_taught(self, target: Any, index: int, label: Any) -> None:
        """Writes a label of the kind `taught_label` into a target, as `write_target` does.

        What is less certain than `taught_confidence` is written as unknown.
        """
        self.write_target(target, index, label)

    @abc.abstractmethod
    def result(self, finished: Any, size: Size, image_size: Size) -> Any:
        """Composes the result of one image; the arguments are those of `teach`."""

    @abc.abstractmethod
    def write_target(self, target: Any, index: int, label: Any) -> None:
        """Writes one image's label into the upper left of position `index` of an empty target."""
