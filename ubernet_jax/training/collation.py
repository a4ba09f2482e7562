"""From examples to a micro-batch: padding, and what the losses compare with."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.structs import Batch, Boxes, BoxTargets, Example
from ubernet_jax.tasks import VOID, LabelKind, Task


def collate(
    examples: Sequence[Example | None],
    size: tuple[int, int],
    tasks: Mapping[str, Task],
    wanted: Collection[str],
    positive_share: float,
    max_boxes: int,
) -> Batch:
    """Pads examples to `size` at the bottom and the right, and turns labels into targets.

    Args:
      examples: none larger than `size`; None gives an image without a valid pixel or a label.
      size: (height, width) of the batch.
      tasks: each gets a target, filler where it is not labelled.
      wanted: those of the tasks whose labels are used.
      positive_share: see `config.LossConfig`.
      max_boxes: see `config.DataConfig`.
    """
    shape = (len(examples), *size)
    image = np.zeros((*shape, 3), np.uint8)
    valid = np.zeros(shape, bool)
    labelled = {name: np.zeros(len(examples), bool) for name in tasks}
    targets = {name: _filler(task, shape, max_boxes) for name, task in tasks.items()}
    for number, example in enumerate(examples):
        if example is None:
            continue
        height, width = example.image.shape[:2]
        window = np.s_[number, :height, :width]
        image[window], valid[window] = example.image, True
        for name in set(wanted) & set(example.labels):
            label = example.labels[name]
            _check_classes(tasks[name], example)
            if isinstance(label, Boxes):
                _put_boxes(targets[name], number, label)
            else:
                targets[name][window] = to_target(tasks[name], label, positive_share)
            labelled[name][number] = True
    return Batch(image=image, valid=valid, targets=targets, labelled=labelled)


def to_target(task: Task, label: np.ndarray, positive_share: float) -> np.ndarray:
    """What the loss compares with: class indices, or unit vectors as they are.

    A share above `positive_share` of 255 is class 1. For lines, a smaller share that is not zero
    is ignored (annotators disagree: common practice since RCF, arXiv 1612.02103); for regions it
    is class 0.
    """
    if task.label is not LabelKind.SHARE:
        return label
    positive = label > 255 * positive_share
    undecided = (label > 0) & ~positive & task.thin
    return np.where(undecided, VOID, positive)


def _filler(task: Task, shape: tuple[int, ...], max_boxes: int) -> np.ndarray | BoxTargets:
    """The target where nothing is labelled."""
    if task.label is LabelKind.BOXES:
        places = (shape[0], max_boxes)
        return BoxTargets(
            corners=np.zeros((*places, 4), np.float32),
            classes=np.zeros(places, np.int32),
            valid=np.zeros(places, bool),
        )
    if task.label is LabelKind.DIRECTION:
        return np.zeros((*shape, 3), np.float32)
    return np.full(shape, VOID, np.int32)


def _put_boxes(targets: BoxTargets, number: int, boxes: Boxes) -> None:
    """Writes an image's boxes that are not difficult, the largest if there are too many."""
    places = targets.valid.shape[1]
    boxes = boxes[~boxes.difficult]
    boxes = boxes[np.sort(np.argsort(-boxes.areas(), kind='stable')[:places])]
    targets.corners[number, : len(boxes)] = boxes.corners
    targets.classes[number, : len(boxes)] = boxes.classes
    targets.valid[number, : len(boxes)] = True


def _check_classes(task: Task, example: Example) -> None:
    label = example.labels[task.name]
    if task.label is LabelKind.CLASSES:
        label = label[label != VOID]
    elif task.label is LabelKind.BOXES:
        label = label.classes
    else:
        return
    highest = label.max(initial=0)
    if highest >= task.channels:
        raise UserError(
            f'{task.name} of {example.id} has class {highest}, but the network has classes 0 '
            f'to {task.channels - 1}: set tasks.{task.name}.classes to the names of all'
        )
