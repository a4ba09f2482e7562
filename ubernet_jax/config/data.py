"""Settings of the data: training sets, augmentation, input sizes, benchmarks."""

import dataclasses
import enum

from ubernet_jax.scoring.presets import OURS


class Keep(enum.Enum):
    """Which of its labels a training image keeps.

    Attributes:
      ALL: every label.
      ONE: a random one: the labels of the tasks are disjoint.
      RANDOM: a random number of random labels, from one to all.
      LISTED: those that a file lists.
    """

    ALL = 'all'
    ONE = 'one'
    RANDOM = 'random'
    LISTED = 'listed'


@dataclasses.dataclass(slots=True, kw_only=True)
class PartialConfig:
    """Partial labels: the study of what labels are worth that are absent (docs/partial_labels.md).

    The other labels are treated as if the image had never had them; images that keep none are left
    out. Random choices depend on the seed and the id of the image only.

    Attributes:
      keep: which of its labels an image keeps.
      seed: of the random choices.
      drawn_from: labels among which ONE and RANDOM choose; empty means those of the tasks that the
        dataset is used for. `Config.restrict_to` fills it in, so that a single-task
        network is trained on the images whose label the network for all tasks has.
      file: the list of LISTED.
    """

    keep: Keep = Keep.ALL
    seed: int = 0
    drawn_from: tuple[str, ...] = ()
    file: str = ''


@dataclasses.dataclass(slots=True, kw_only=True)
class DatasetConfig:
    """A split of a prepared dataset.

    Attributes:
      name: the name for `ubernet prepare`: `voc2012`, `folder/kitchen`, ...
      split: the part of the dataset, such as `train`, `val` or `test`.
      repeat: how often an epoch shows each image.
      rotations: number of evenly spaced angles; whenever an image is shown, it is rotated by a
        random one and cropped to the part without gaps. HED uses 16 (Xie and Tu, ICCV 2015). Boxes
        of rotated images are not used.
      tasks: tasks of the network that the dataset is used for; empty means all that it has labels
        for.
      labels: task -> the name of its label in this dataset, where the two names differ.
      partial: which labels the images keep; only of training sets.
      taught: tasks that are also trained on the labels that `ubernet teach` has written, of images
        without a real label; under the same names as real labels.
    """

    name: str = ''
    split: str = 'train'
    repeat: int = 1
    rotations: int = 1
    tasks: tuple[str, ...] = ()
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    partial: PartialConfig = dataclasses.field(default_factory=PartialConfig)
    taught: tuple[str, ...] = ()


class Leaks(enum.Enum):
    """What happens to training images that are also test images of a benchmark.

    Attributes:
      REFUSE: the run does not start; the message names the first leaks.
      LEAVE_OUT: they are left out of the training.
      ALLOW: leaks are not searched for.
    """

    REFUSE = 'refuse'
    LEAVE_OUT = 'leave_out'
    ALLOW = 'allow'


@dataclasses.dataclass(slots=True, kw_only=True)
class DataConfig:
    """What the network is trained on and how it is fed.

    Attributes:
      directory: folder of prepared datasets.
      train: the datasets; the network is trained on their union.
      leaks: what happens if training images are test images too.
      buckets: (height, width) that images are fitted into, each side 32k+1, or with a vision
        transformer a multiple of its patch; an image goes to the bucket whose aspect ratio is
        nearest.
      images_per_micro_batch: number of images of a micro-batch, which comes from one dataset and
        one bucket, and is computed on one device.
      micro_batches_per_step: number of micro-batches of a step, all of one bucket; the devices
        share them.
      scale: range of the random scaling, relative to the size that fits the bucket.
      flip: flip half of the images left to right.
      photometric: strength of random changes of brightness, contrast, saturation and hue; 1 for
        those of SSD (arXiv 1512.02325), 0 for none.
      workers: reader processes; 0 reads in the training process.
      keep_features: compute the activations of the frozen blocks of a vision transformer once for
        each image and its flip, keep them in float16 in `directory`/features, and train only the
        other blocks and the heads on them.
      keep_gigabytes: largest size of the kept features of a run, in 10^9 bytes.
    """

    directory: str = 'data/prepared'
    train: list[DatasetConfig] = dataclasses.field(default_factory=list)
    leaks: Leaks = Leaks.REFUSE
    buckets: tuple[tuple[int, int], ...] = ((321, 481), (481, 321))
    images_per_micro_batch: int = 1
    micro_batches_per_step: int = 1
    scale: tuple[float, float] = (1.0, 1.0)
    flip: bool = True
    photometric: float = 0.0
    workers: int = 1
    keep_features: bool = False
    keep_gigabytes: float = 20.0


@dataclasses.dataclass(slots=True, kw_only=True)
class InputSizeConfig:
    """The size at which photographs enter the network for prediction (paper, section 1).

    Attributes:
      short_side: pixels of the short side after scaling, unless that exceeds one of the limits.
      long_side: largest long side, in pixels.
      area: largest area, in pixels.
    """

    short_side: int = 625
    long_side: int = 961
    area: int = 653_028


@dataclasses.dataclass(slots=True, kw_only=True)
class EvaluationConfig:
    """What is evaluated.

    Attributes:
      benchmarks: datasets, with the split to test on; every label that the network has a task for
        is scored.
      limit: largest number of images per benchmark during training; `evaluate` takes all.
      thresholds: number of thresholds at which boundary maps are scored; published scores have 99.
      protocol: the protocol by which `evaluate` scores: `ours`, or that of another code base
        (docs/protocols.md), which leaves out tasks that it does not define. Scores during training
        are by ours.
      flip: average over the photograph and its mirror image, of dense tasks: probabilities, unit
        vectors, depths. Boxes are those of the photograph itself. Also for `ubernet predict`.
      scales: factors on the size at which photographs enter the network, among them 1; dense tasks
        are averaged over all, after interpolation to the largest. Boxes are those of scale 1. Also
        for `ubernet predict`.
    """

    benchmarks: list[DatasetConfig] = dataclasses.field(default_factory=list)
    limit: int = 20
    thresholds: int = 99
    protocol: str = OURS
    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
