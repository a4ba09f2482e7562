"""The identity of a dataset: a digest of what its images are and how they are labelled."""

import hashlib
import json

from ubernet_jax.datasets.reading import Dataset


def dataset_digest(dataset: Dataset) -> str:
    """Returns 16 hexadecimal digits that change with ids, sizes, present labels or classes.

    Pixels are not read: two datasets with equal lists but other pixels have equal digests.
    """
    labels = {name: kind.to_json() for name, kind in sorted(dataset.labels.items())}
    digest = hashlib.sha256(json.dumps([dataset.source, dataset.ids, labels]).encode())
    digest.update(dataset.sizes.tobytes())
    for name, flags in sorted(dataset.labelled.items()):
        digest.update(name.encode() + flags.tobytes())
    return digest.hexdigest()[:16]
