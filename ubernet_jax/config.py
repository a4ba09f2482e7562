"""Settings of a run, as typed dataclasses. No JAX here: a config file loads instantly.

A config file in `configs/` has one function `get_config()` that returns a `Config`. Any field can
be overridden on the command line: `--config.model.width=0.25`,
`--config.tasks.segmentation.batch_size=4`.
"""

import dataclasses
import enum

from ubernet_jax.tasks import TASKS, Task, with_classes

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


class Algorithm(enum.Enum):
    """When parameter groups update (paper, section 3)."""

    ASYNCHRONOUS = 'asynchronous'  # each group after enough of its own labelled samples
    SYNCHRONOUS = 'synchronous'  # all groups together, after enough images of any kind


class Optimizer(enum.Enum):
    """The optax transformation inside every group."""

    SGD = 'sgd'  # momentum and weight decay, as in the paper
    ADAMW = 'adamw'


class Balancing(enum.Enum):
    """How the tasks' gradients become one at the branch point (docs/interference.md)."""

    NONE = 'none'  # they are added up, as in the paper
    EQUAL_NORMS = 'equal_norms'
    PCGRAD = 'pcgrad'
    CAGRAD = 'cagrad'


@dataclasses.dataclass(slots=True, kw_only=True)
class GroupConfig:
    """How one parameter group updates.

    Attributes:
      batch_size: effective batch B_p, in labelled images.
      learning_rate: at the group's first update.
      decay_after: the learning rate is divided by 10 after each of these numbers of the group's
        own updates.
      polynomial_updates: above 0, the learning rate falls to 0 over so many of the group's own
        updates instead.
    """

    batch_size: int = 10
    learning_rate: float = 1e-3
    decay_after: tuple[int, ...] = (3000,)
    polynomial_updates: int = 0


@dataclasses.dataclass(slots=True, kw_only=True)
class TaskConfig(GroupConfig):
    """How one task is trained.

    Attributes:
      weight: gamma_t, the factor on the task's loss.
      classes: class names, where the data's differ from `tasks.TASKS`; empty keeps the table's.
      hidden: width of a hidden layer beside the linear scores of each skip; 0 is none.
    """

    weight: float = 1.0
    classes: tuple[str, ...] = ()
    hidden: int = 0


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
    """

    width: int = 4096
    anchor_scales: tuple[float, ...] = (4.0, 8.0, 16.0, 32.0)
    pooling: Pooling = Pooling.MAX
    min_side: float = 16.0
    train_proposals: tuple[int, int] = (12_000, 2000)
    test_proposals: tuple[int, int] = (6000, 300)
    min_score: float = 0.05
    detections: int = 100


@dataclasses.dataclass(slots=True, kw_only=True)
class ModelConfig:
    """The network (paper, section 2).

    Attributes:
      trunk: what all tasks share.
      width: factor on every channel count of the trunk; 1 is the published network.
      scales: levels of the image pyramid, 1 to 3.
      dropout: rate after fc6 and fc7, of VGG-16 and of the detector.
      frozen_blocks: leading trunk blocks (0 to 5) that are not trained, as in Fast R-CNN.
      checkpoint: recompute the trunk's activations in the backward pass instead of keeping them.
      precision: of the arithmetic.
      statistics: what normalises the skip connections while training.
      initialisation: what the trunk starts from.
      weights: file of `python -m ubernet_jax.weights` to start from instead; it brings its own mean
        and std, and what it lacks starts at random.
      mean: of the training images, RGB, 0..255; subtracted.
      std: RGB, 0..255; divided by.
      detection: the detector, for networks that have that task.
    """

    trunk: Trunk = Trunk.VGG16
    width: float = 1.0
    scales: int = 3
    dropout: float = 0.5
    frozen_blocks: int = 0
    checkpoint: bool = True
    precision: Precision = Precision.FLOAT32
    statistics: Statistics = Statistics.BATCH
    initialisation: Initialisation = Initialisation.IMAGENET
    weights: str = ''
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    detection: DetectionConfig = dataclasses.field(default_factory=DetectionConfig)


@dataclasses.dataclass(slots=True, kw_only=True)
class LossConfig:
    """Constants of the losses (paper, section 2.4).

    Attributes:
      bag_radius: pixels around a boundary label in which the best score counts (arXiv 1511.07386).
      positive_weight: weight of boundary pixels.
      negative_weight: weight of the other pixels.
      positive_share: share of annotators (0..1) above which a pixel is positive; zero is negative,
        between is ignored.
      normals_transition: where smooth L1 on unit vectors turns from quadratic to linear.
      proposal_class_weight: of the detector's first stage, thing against background,
      proposal_box_weight: and its boxes.
      box_class_weight: of the second stage, the classes,
      box_weight: and the boxes.
      graduated: the losses of the single scales fade from full weight to none over the run, and
        that of the fused map stays (graduated deep supervision, arXiv 1511.07386).
      uncertainty: learn one more weight for each task, from its loss.
    """

    bag_radius: int = 2
    positive_weight: float = 0.95
    negative_weight: float = 0.05
    positive_share: float = 0.5
    normals_transition: float = 1.0
    proposal_class_weight: float = 1.0
    proposal_box_weight: float = 1.0
    box_class_weight: float = 1.0
    box_weight: float = 1.0
    graduated: bool = False
    uncertainty: bool = False


@dataclasses.dataclass(slots=True, kw_only=True)
class BalancingConfig:
    """How the tasks' gradients become one at the branch point.

    Attributes:
      method: which way.
      tasks: labelled tasks of a micro-batch that are told apart, 2 or more; the last of them is the
        sum of all that follow. Each takes the memory of the features.
      radius: of CAGRAD, c of its paper, 0..1.
    """

    method: Balancing = Balancing.NONE
    tasks: int = 4
    radius: float = 0.4


@dataclasses.dataclass(slots=True, kw_only=True)
class OptimConfig:
    """The solver (paper, section 3).

    Attributes:
      algorithm: asynchronous (the paper's) or synchronous.
      optimizer: the transformation inside each group.
      momentum: of SGD; the first moment's decay of AdamW.
      weight_decay: on weights; biases have none.
      bias_multiplier: factor on the learning rate of biases,
      log_variance_multiplier: and of the log-variances that `loss.uncertainty` learns.
      balancing: of the tasks.
      shared: the trunk's group.
    """

    algorithm: Algorithm = Algorithm.ASYNCHRONOUS
    optimizer: Optimizer = Optimizer.SGD
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bias_multiplier: float = 2.0
    log_variance_multiplier: float = 1.0
    balancing: BalancingConfig = dataclasses.field(default_factory=BalancingConfig)
    shared: GroupConfig = dataclasses.field(default_factory=lambda: GroupConfig(batch_size=30))


@dataclasses.dataclass(slots=True, kw_only=True)
class DatasetConfig:
    """One prepared dataset.

    Attributes:
      name: as `python -m ubernet_jax.prepare` knows it: `voc2012`, `folder/kitchen`, ...
      split: one of the dataset's splits.
      repeat: how often an epoch shows each image.
      tasks: which of its labels to use; empty means all that the network has a task for.
    """

    name: str = ''
    split: str = 'train'
    repeat: int = 1
    tasks: tuple[str, ...] = ()


class Leaks(enum.Enum):
    """What happens to training images that are test images of a benchmark too."""

    REFUSE = 'refuse'  # no run; the message names the first of them
    LEAVE_OUT = 'leave_out'  # they are not trained on
    ALLOW = 'allow'  # they are not even looked for


@dataclasses.dataclass(slots=True, kw_only=True)
class DataConfig:
    """What the network is trained on and how it is fed.

    Attributes:
      directory: folder of prepared datasets.
      train: the union of datasets.
      leaks: what happens where it shares images with the benchmarks.
      buckets: (height, width) that images are fitted into, each side 32k+1; each image goes to
        the one whose aspect is nearest.
      micro_batch: images of one dataset and one bucket, which a device takes at once.
      micro_batches: of one step, of one bucket each step; the devices share them.
      scale: range of the random scaling, relative to the size that fits the bucket.
      flip: mirror half of the images.
      rotations: turn each image by one of so many evenly spaced angles, and cut it to what is
        without a gap; 16 is HED's (Xie and Tu, ICCV 2015). Of a turned image no box is used.
      max_boxes: places for the boxes of an image; of more, the largest are kept.
      workers: reader processes; 0 reads in the training process.
    """

    directory: str = 'data/prepared'
    train: list[DatasetConfig] = dataclasses.field(default_factory=list)
    leaks: Leaks = Leaks.REFUSE
    buckets: tuple[tuple[int, int], ...] = ((321, 481), (481, 321))
    micro_batch: int = 1
    micro_batches: int = 1
    scale: tuple[float, float] = (1.0, 1.0)
    flip: bool = True
    rotations: int = 1
    max_boxes: int = 50
    workers: int = 1


@dataclasses.dataclass(slots=True, kw_only=True)
class InputSizeConfig:
    """The size at which a whole photograph enters the network (paper, section 1).

    Attributes:
      short_side: pixels that the short side is scaled to,
      long_side: unless the long side would exceed this,
      area: or the area (in pixels) this.
    """

    short_side: int = 625
    long_side: int = 961
    area: int = 653_028


@dataclasses.dataclass(slots=True, kw_only=True)
class EvaluationConfig:
    """What is measured.

    Attributes:
      benchmarks: datasets, with the split to test on; every dense label with a metric is scored.
      limit: at most this many images a benchmark while training; the final evaluation takes all.
      thresholds: at how many boundary maps are scored; published scores have 99.
    """

    benchmarks: list[DatasetConfig] = dataclasses.field(default_factory=list)
    limit: int = 20
    thresholds: int = 99


@dataclasses.dataclass(slots=True, kw_only=True)
class Config:
    """One run.

    Attributes:
      name: of the experiment.
      seed: of initialisation, data order, augmentation and dropout.
      steps: to train for, each of `data.micro_batches` micro-batches.
      tasks: settings of each task of the network, by name.
      log_every: steps between lines of the log.
      checkpoint_every: steps between checkpoints.
      pictures_every: steps between pictures of fixed images.
      evaluate_every: steps between evaluations.
    """

    name: str = ''
    seed: int = 0
    steps: int = 1000
    tasks: dict[str, TaskConfig] = dataclasses.field(default_factory=dict)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    loss: LossConfig = dataclasses.field(default_factory=LossConfig)
    optim: OptimConfig = dataclasses.field(default_factory=OptimConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    input_size: InputSizeConfig = dataclasses.field(default_factory=InputSizeConfig)
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)
    log_every: int = 10
    checkpoint_every: int = 500
    pictures_every: int = 500
    evaluate_every: int = 1000

    def task_table(self) -> dict[str, Task]:
        """The rows of `tasks.TASKS` that this network has, in the table's order."""
        rows = {}
        for name, row in TASKS.items():
            if name in self.tasks:
                settings = self.tasks[name]
                row = dataclasses.replace(row, hidden=settings.hidden)
                rows[name] = with_classes(row, settings.classes) if settings.classes else row
        return rows
