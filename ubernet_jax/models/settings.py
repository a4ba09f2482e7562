"""Settings of the network."""

import dataclasses
import enum

STRIDE = 32  # image sides are STRIDE * k + 1, so that every pooling divides exactly


class Trunk(enum.Enum):
    """The network that all tasks share."""

    VGG16 = 'vgg16'  # as in the paper
    RESNET50 = 'resnet50'


class Initialisation(enum.Enum):
    """What the trunk starts from."""

    RANDOM = 'random'
    IMAGENET = 'imagenet'  # the 13 convolutions of VGG-16 that the extra `imagenet` carries


class Statistics(enum.Enum):
    """Which mean and variance normalise the skips while training; tests use the running ones."""

    BATCH = 'batch'  # the micro-batch's own, as in the paper
    RUNNING = 'running'  # the running ones: with few images a step, training then equals testing


class Precision(enum.Enum):
    """Arithmetic of trunk and heads; parameters, statistics, losses and sums stay float32."""

    FLOAT32 = 'float32'
    BFLOAT16 = 'bfloat16'  # activations take half the memory


class Pooling(enum.Enum):
    """How a region's features are brought to one size."""

    MAX = 'max'  # RoI max pooling (Fast R-CNN), as in the paper
    ALIGN = 'align'  # RoIAlign (Mask R-CNN)


@dataclasses.dataclass(slots=True, kw_only=True)
class DetectionConfig:
    """The detector (paper, section 2; Faster R-CNN, arXiv 1506.01497).

    Attributes:
      width: of the two layers of the box head.
      anchor_scales: side of the anchors, in units of 16 pixels of the network's input.
      pooling: of each region.
      min_side: pixels of the network's input; smaller proposals are dropped.
      train_proposals: proposals of an image before and after non-maximum suppression, in training,
      test_proposals: and at test.
      min_score: a detection must exceed, 0..1.
      detections: of an image, at most.
      max_boxes: slots for the labelled boxes of an image; of more, the largest are kept.
      proposal_class_weight: of the loss of the first stage, object against background,
      proposal_box_weight: and of its boxes.
      box_class_weight: of the second stage, the classes,
      box_weight: and the boxes.
    """

    width: int = 4096
    anchor_scales: tuple[float, ...] = (4.0, 8.0, 16.0, 32.0)
    pooling: Pooling = Pooling.MAX
    min_side: float = 16.0
    train_proposals: tuple[int, int] = (12_000, 2000)
    test_proposals: tuple[int, int] = (6000, 300)
    min_score: float = 0.05
    detections: int = 100
    max_boxes: int = 50
    proposal_class_weight: float = 1.0
    proposal_box_weight: float = 1.0
    box_class_weight: float = 1.0
    box_weight: float = 1.0


@dataclasses.dataclass(slots=True, kw_only=True)
class ModelConfig:
    """The network (paper, section 2).

    Attributes:
      trunk: what all tasks share.
      width: factor on every channel count of the trunk; 1 is the published network.
      scales: levels of the image pyramid, 1 to 3.
      dropout: rate after fc6 and fc7, of VGG-16 and of the detector.
      frozen_blocks: leading trunk blocks (0 to 5) that are not trained, as in Fast R-CNN.
      remat: recompute the trunk's activations in the backward pass instead of keeping them.
      precision: of the arithmetic.
      statistics: what normalises the skip connections while training.
      initialisation: what the trunk starts from.
      weights: file of `python -m ubernet_jax.weights` to start from instead; it brings its own mean
        and std, and what it lacks starts at random.
      mean: of the training images, RGB, 0..255; subtracted.
      std: RGB, 0..255; divided by.
    """

    trunk: Trunk = Trunk.VGG16
    width: float = 1.0
    scales: int = 3
    dropout: float = 0.5
    frozen_blocks: int = 0
    remat: bool = True
    precision: Precision = Precision.FLOAT32
    statistics: Statistics = Statistics.BATCH
    initialisation: Initialisation = Initialisation.IMAGENET
    weights: str = ''
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)
