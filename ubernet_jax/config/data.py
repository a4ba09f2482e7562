"""Settings of the data: training sets, augmentation, input sizes, benchmarks."""

import dataclasses
import enum


@dataclasses.dataclass(slots=True, kw_only=True)
class DatasetConfig:
    """A split of a prepared dataset.

    Attributes:
      name: the name for `ubernet prepare`: `voc2012`, `folder/kitchen`, ...
      split: of the dataset.
      repeat: how often an epoch shows each image.
      rotations: number of evenly spaced angles; whenever an image is shown, it is rotated by a
        random one and cropped to the part without gaps. HED uses 16 (Xie and Tu, ICCV 2015). Boxes
        of rotated images are not used.
      tasks: tasks of the network that the dataset is used for; empty means all that it has labels
        for.
      labels: task -> the name of its label in this dataset, where the two names differ.
      taught: tasks that are also trained on the labels that `ubernet teach` has written, of images
        without a real label; under the same names as real labels.
    """

    name: str = ''
    split: str = 'train'
    repeat: int = 1
    rotations: int = 1
    tasks: tuple[str, ...] = ()
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    taught: tuple[str, ...] = ()


class Leaks(enum.Enum):
    """What happens to training images that are also test images of a benchmark."""

    REFUSE = 'refuse'  # the run does not start; the message names the first leaks
    LEAVE_OUT = 'leave_out'  # they are left out of the training
    ALLOW = 'allow'  # leaks are not searched for


@dataclasses.dataclass(slots=True, kw_only=True)
class DataConfig:
    """What the network is trained on and how it is fed.

    Attributes:
      directory: folder of prepared datasets.
      train: the union of datasets.
      leaks: what happens if training images are test images too.
      buckets: (height, width) that images are fitted into, each side 32k+1; an image goes to the
        bucket whose aspect ratio is nearest.
      images_per_micro_batch: a micro-batch comes from one dataset and one bucket, and is computed
        on one device.
      micro_batches_per_step: all of one bucket; the devices share them.
      scale: range of the random scaling, relative to the size that fits the bucket.
      flip: flip half of the images left to right.
      workers: reader processes; 0 reads in the training process.
    """

    directory: str = 'data/prepared'
    train: list[DatasetConfig] = dataclasses.field(default_factory=list)
    leaks: Leaks = Leaks.REFUSE
    buckets: tuple[tuple[int, int], ...] = ((321, 481), (481, 321))
    images_per_micro_batch: int = 1
    micro_batches_per_step: int = 1
    scale: tuple[float, float] = (1.0, 1.0)
    flip: bool = True
    workers: int = 1


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
    """

    benchmarks: list[DatasetConfig] = dataclasses.field(default_factory=list)
    limit: int = 20
    thresholds: int = 99
