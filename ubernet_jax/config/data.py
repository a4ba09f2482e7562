"""Settings of what a network is trained and tested on, and at what size."""

import dataclasses
import enum


@dataclasses.dataclass(slots=True, kw_only=True)
class DatasetConfig:
    """One prepared dataset.

    Attributes:
      name: as `python -m ubernet_jax.prepare` knows it: `voc2012`, `folder/kitchen`, ...
      split: one of the dataset's splits.
      repeat: how often an epoch shows each image.
      tasks: which of the network's tasks it is for; empty means all that it has a label for.
      labels: task -> the name of its label in this dataset, where that is not the task's own name.
    """

    name: str = ''
    split: str = 'train'
    repeat: int = 1
    tasks: tuple[str, ...] = ()
    labels: dict[str, str] = dataclasses.field(default_factory=dict)


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
      images_per_micro_batch: images of one dataset and one bucket, which a device takes at once.
      micro_batches_per_step: of one step, of one bucket each step; the devices share them.
      scale: range of the random scaling, relative to the size that fits the bucket.
      flip: flip half of the images left to right.
      rotations: rotate each image by one of so many evenly spaced angles, and crop it to what is
        without a gap; 16 is HED's (Xie and Tu, ICCV 2015). Of a rotated image no box is used.
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
    rotations: int = 1
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
      benchmarks: datasets, with the split to test on; every label that the network has a task for
        is scored.
      limit: at most this many images a benchmark while training; the final evaluation takes all.
      thresholds: at how many boundary maps are scored; published scores have 99.
    """

    benchmarks: list[DatasetConfig] = dataclasses.field(default_factory=list)
    limit: int = 20
    thresholds: int = 99
