"""The identity of a dataset: a digest of what its images are and how they are labelled."""

import hashlib
import json

from ubernet_jax.datasets.reading import Dataset


def dataset_digest(dataset: Dataset) -> str:
    """Returns 16 hexadecimal digits: a digest of ids, sizes, fingerprints, present labels, classes.

    Labels are not read: two datasets with the same photographs but other values of their labels
    have equal digests.
    """
    labels = {name: kind.to_json() for name, kind in sorted(dataset.labels.items())}
    digest = hashlib.sha256(json.dumps([dataset.source, dataset.ids, labels]).encode())
    digest.update(dataset.sizes.tobytes())
    digest.update(dataset.fingerprints.tobytes())
    for name, flags in sorted(dataset.labelled.items()):
        digest.update(name.encode() + flags.tobytes())
    return digest.hexdigest()[:16]
