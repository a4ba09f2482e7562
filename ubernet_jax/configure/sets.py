"""The prepared datasets of a new configuration: which splits and labels can be used."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.labels import LabelKind
from ubernet_jax.tasks import KINDS, Task

TRAIN = 'train'
BENCHMARKS = ('test', 'val')  # splits to score on, in order of preference


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSet:
    """A prepared dataset.

    Attributes:
      train: its training images.
      benchmark: the images to score on; None if there are none with labels of the training images.
      labels: name -> kind, of the labels that training images have and that a task can learn.
    """

    train: Dataset
    benchmark: Dataset | None
    labels: Mapping[str, LabelKind]

    @property
    def name(self) -> str:
        """The name as in configurations, such as `folder/garden`."""
        return self.train.name


def find_kind(label: LabelKind) -> type[Task] | None:
    """The first kind of task that learns labels of this kind; None if there is none."""
    return next((kind for kind in KINDS.values() if kind.label_kind.name == label.name), None)


def open_sets(names: Sequence[str], directory: pathlib.Path) -> list[PreparedSet]:
    """Opens prepared datasets, each of them once.

    Raises:
      UserError: a dataset is unknown or not prepared, has no training images, or these have no
        label that a task can learn.
    """
    return [_open(name, directory) for name in dict.fromkeys(names)]


def _open(name: str, directory: pathlib.Path) -> PreparedSet:
    splits = _list_splits(name, directory)
    train = open_dataset(name, TRAIN, directory)
    present = {label: train.labels[label] for label in train.present_labels()}
    labels = {label: kind for label, kind in present.items() if find_kind(kind)}
    if not labels:
        kinds = ', '.join(f'{label} ({kind.name})' for label, kind in present.items())
        raise UserError(
            f'no image of {train.source} has a label that a task can learn; it has '
            f'{kinds or "none"}. Kinds that can be learnt: '
            f'{", ".join(kind.label_kind.name for kind in KINDS.values())}. Add labels to its '
            f'files, delete {directory / name}, and prepare it again with: '
            f'ubernet prepare {name} --source DIR --directory {directory}'
        )
    scored = (open_dataset(name, split, directory) for split in BENCHMARKS if split in splits)
    benchmark = next((part for part in scored if {*part.present_labels()} & {*labels}), None)
    return PreparedSet(train=train, benchmark=benchmark, labels=labels)


def _list_splits(name: str, directory: pathlib.Path) -> list[str]:
    """The splits of a dataset; empty if it is not prepared.

    Raises:
      UserError: it is prepared, but without training images.
    """
    builder = make_builder(name, directory)
    splits = list(builder.split_metadata) if builder.is_prepared() else []
    if splits and TRAIN not in splits:
        raise UserError(
            f'dataset {name} has no split {TRAIN!r}, but {", ".join(splits)}: add the folder '
            f'{TRAIN}/images to its files, delete {directory / name}, and prepare it again with: '
            f'ubernet prepare {name} --source DIR --directory {directory}'
        )
    return splits
