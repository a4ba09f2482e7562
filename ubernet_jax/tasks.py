"""The table of tasks: the one place that says what a task is.

Adding a dense task is adding a row (and a loss in `losses.py` if it is of a new kind): see
docs/adding_a_task.md. Channels, resolutions and losses follow arXiv 1609.02132, section 2.
"""

import dataclasses
import enum

VOID = 255  # class index of a pixel without a label, in files and in memory


class LabelKind(enum.Enum):
    """How a label is stored in an `Example` (maps are H x W first)."""

    CLASSES = 'classes'  # uint8 (H, W): class index, VOID where unknown
    SHARE = 'share'  # uint8 (H, W): 0..255, share of annotators (or soft mask)
    DIRECTION = 'direction'  # float32 (H, W, 3): unit vectors, all zero where unknown
    BOXES = 'boxes'  # `structs.Boxes`: one a thing, with its class


class LossKind(enum.Enum):
    """What compares scores with targets."""

    CROSS_ENTROPY = 'cross_entropy'
    MULTIPLE_INSTANCE = 'multiple_instance'
    UNIT_VECTOR = 'unit_vector'
    DETECTION = 'detection'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task.

    Attributes:
      name: the task's full name; also its parameter group, and its label folder if it is dense.
      label: how its labels are stored.
      loss: which loss trains it.
      channels: score channels C_t (softmax classes, or vector components).
      stride: pixels of the image per score, 1 (full resolution) or 8 (paper, section 2.2); of
        detection, per cell of the grid of anchors.
      classes: a name for each class index; empty for directions.
      hidden: width of the hidden layer of a dense task's head; 0 is none, as in the paper.
    """

    name: str
    label: LabelKind
    loss: LossKind
    channels: int
    stride: int
    classes: tuple[str, ...] = ()
    hidden: int = 0

    @property
    def thin(self) -> bool:
        """Whether labels are lines, which must survive when an image is made smaller."""
        return self.loss is LossKind.MULTIPLE_INSTANCE


VOC_CLASSES = (
    'background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair',
    'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
    'train', 'tvmonitor',
)  # fmt: skip
PERSON_PARTS = (
    'background', 'head', 'torso', 'upper arm', 'lower arm', 'upper leg', 'lower leg',
)  # fmt: skip

_ROWS = (
    Task(
        name='boundaries',
        label=LabelKind.SHARE,
        loss=LossKind.MULTIPLE_INSTANCE,
        channels=2,
        stride=1,
        classes=('background', 'boundary'),
    ),
    Task(
        name='normals',
        label=LabelKind.DIRECTION,
        loss=LossKind.UNIT_VECTOR,
        channels=3,
        stride=1,
    ),
    Task(
        name='saliency',
        label=LabelKind.SHARE,
        loss=LossKind.CROSS_ENTROPY,
        channels=2,
        stride=1,
        classes=('background', 'salient'),
    ),
    Task(
        name='segmentation',
        label=LabelKind.CLASSES,
        loss=LossKind.CROSS_ENTROPY,
        channels=21,
        stride=8,
        classes=VOC_CLASSES,
    ),
    Task(
        name='parts',
        label=LabelKind.CLASSES,
        loss=LossKind.CROSS_ENTROPY,
        channels=7,
        stride=8,
        classes=PERSON_PARTS,
    ),
    Task(
        name='semantic_boundaries',
        label=LabelKind.CLASSES,
        loss=LossKind.MULTIPLE_INSTANCE,
        channels=21,
        stride=1,
        classes=VOC_CLASSES,
    ),
    Task(
        name='detection',
        label=LabelKind.BOXES,
        loss=LossKind.DETECTION,
        channels=21,
        stride=16,
        classes=VOC_CLASSES,
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _ROWS}
# Those with a label, and scores, for every pixel.
DENSE_TASKS = {name: task for name, task in TASKS.items() if task.label is not LabelKind.BOXES}


def with_classes(task: Task, classes: tuple[str, ...]) -> Task:
    """The same task for a dataset whose classes have other names or another number."""
    return dataclasses.replace(task, classes=classes, channels=len(classes))
