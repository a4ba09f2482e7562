"""Finding one photograph in two places: by its id, where two sets keep the same ones, or by its
fingerprint.
"""

import dataclasses
import enum

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.storage.fingerprint import find_nearest


class Evidence(enum.Enum):
    """How a duplicate was found."""

    ID = 'id'
    FINGERPRINT = 'fingerprint'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a photograph is: a dataset, its split, and its id there."""

    dataset: str
    split: str
    id: str

    @property
    def source(self) -> str:
        """Such as `voc2012:train`."""
        return f'{self.dataset}:{self.split}'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """One photograph in two places."""

    first: Place
    second: Place
    evidence: Evidence

    def __str__(self) -> str:
        how = 'the same id' if self.evidence is Evidence.ID else 'they look the same'
        return f'{self.first.id} is {self.second.id} ({how})'


def find_duplicates(ours: Dataset, theirs: Dataset) -> list[Duplicate]:
    """Each of our images that is among theirs, with one that it is."""
    shared = ours.collection == theirs.collection
    by_id = {name: index for index, name in enumerate(theirs.ids)} if shared else {}
    found = []
    for index, name in enumerate(ours.ids):
        if name in by_id:
            found.append(_duplicate(ours, index, theirs, by_id[name], Evidence.ID))
            continue
        nearest = find_nearest(ours.fingerprints[index], theirs.fingerprints)
        if nearest is not None:
            found.append(_duplicate(ours, index, theirs, nearest, Evidence.FINGERPRINT))
    return found


def find_repeats(dataset: Dataset) -> list[Duplicate]:
    """Each image of a dataset that is there earlier under another id."""
    found = []
    for index in range(1, len(dataset)):
        earlier = find_nearest(dataset.fingerprints[index], dataset.fingerprints[:index])
        if earlier is not None:
            found.append(_duplicate(dataset, earlier, dataset, index, Evidence.FINGERPRINT))
    return found


def _duplicate(
    ours: Dataset, index: int, theirs: Dataset, other: int, evidence: Evidence
) -> Duplicate:
    return Duplicate(
        first=Place(dataset=ours.name, split=ours.split, id=ours.ids[index]),
        second=Place(dataset=theirs.name, split=theirs.split, id=theirs.ids[other]),
        evidence=evidence,
    )
