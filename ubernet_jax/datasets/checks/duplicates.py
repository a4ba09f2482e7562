"""Finding the same photograph in two datasets, by its id if the datasets share ids, or by its
fingerprint.
"""

import dataclasses
import enum

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.storage.fingerprint import find_nearest
from ubernet_jax.datasets.taught_labels import TrainingImages


class Evidence(enum.Enum):
    """How a duplicate was found."""

    ID = 'id'
    FINGERPRINT = 'fingerprint'


Photographs = Dataset | TrainingImages  # images that can be compared with others


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a photograph: dataset, split and id."""

    dataset: str
    split: str
    id: str

    @property
    def source(self) -> str:
        """Dataset and split, such as `voc2012:train`."""
        return f'{self.dataset}:{self.split}'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """The same photograph in two places."""

    first: Place
    second: Place
    evidence: Evidence

    def __str__(self) -> str:
        how = 'the same id' if self.evidence is Evidence.ID else 'they look the same'
        return f'{self.first.id} is {self.second.id} ({how})'


def find_duplicates(ours: Photographs, theirs: Photographs) -> list[Duplicate]:
    """Finds the images of `ours` that are also in `theirs`, each with one match."""
    shared = ours.collection == theirs.collection
    by_id = {name: index for index, name in enumerate(theirs.ids)} if shared else {}
    duplicates = []
    for index, name in enumerate(ours.ids):
        if name in by_id:
            duplicates.append(_duplicate(ours, index, theirs, by_id[name], Evidence.ID))
            continue
        nearest = find_nearest(ours.fingerprints[index], theirs.fingerprints)
        if nearest is not None:
            duplicates.append(_duplicate(ours, index, theirs, nearest, Evidence.FINGERPRINT))
    return duplicates


def find_repeats(dataset: Dataset) -> list[Duplicate]:
    """Finds the images of a dataset that also occur earlier in it under another id."""
    duplicates = []
    for index in range(1, len(dataset)):
        earlier = find_nearest(dataset.fingerprints[index], dataset.fingerprints[:index])
        if earlier is not None:
            duplicates.append(_duplicate(dataset, earlier, dataset, index, Evidence.FINGERPRINT))
    return duplicates


def _duplicate(
    ours: Photographs, index: int, theirs: Photographs, match: int, evidence: Evidence
) -> Duplicate:
    return Duplicate(
        first=Place(dataset=ours.name, split=ours.split, id=ours.ids[index]),
        second=Place(dataset=theirs.name, split=theirs.split, id=theirs.ids[match]),
        evidence=evidence,
    )
