"""What a run is trained on, as its checkpoints keep it: a resumed run must have the same images.

The order of the images follows from the lists of the training sets. Photographs are compared by
their fingerprints (`datasets.storage.fingerprint`), labels by their presence.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ubernet_jax.config import serialization
from ubernet_jax.errors import name_some
from ubernet_jax.training.training_sets import TrainingSet

Description = Mapping[str, Any]

# Digests by task, in the description of a training set -> what it means if one differs.
_TEACHING = {
    'taught': 'the taught labels of the task {} are others',
    'distilled': 'tasks.{}.distill_from is another network',
}


def describe_sets(
    sets: Sequence[TrainingSet], teachers: Mapping[str, str] = {}
) -> list[Description]:
    """Describes the images and the labels of every training set in plain types, for JSON.

    Args:
      sets: the training sets.
      teachers: task -> digest of the network whose features are distilled.

    Returns:
      For each training set `source`, `ids`, `sizes` (height, width), `photographs` (their
      fingerprints, shortened to 16 hexadecimal digits), and of each label that a task is trained on
      its `kind` with its classes, and which images have it: a string of 0 and 1; `taught`, the
      digest of the taught labels of each task; and `distilled`, that of the teacher of each task
      that has a label.
    """
    return [
        {
            'source': part.dataset.source,
            'ids': list(part.dataset.ids),
            'sizes': part.dataset.sizes.tolist(),
            'photographs': [
                f'{word:016x}' for word in np.bitwise_xor.reduce(part.dataset.fingerprints, axis=1)
            ],
            'labels': {
                name: {
                    'kind': serialization.to_json(part.dataset.labels[name].to_json()),
                    'present': ''.join(map(str, part.dataset.labelled[name].astype(int))),
                }
                for name in sorted(set(part.labels.values()))
            },
            'taught': {task: labels.digest for task, labels in sorted(part.taught.items())},
            'distilled': {
                task: digest
                for task, digest in sorted(teachers.items())
                if task in part.labels or task in part.taught
            },
        }
        for part in sets
    ]


def describe_changes(then: Sequence[Description], now: Sequence[Description]) -> list[str]:
    """Describes in lines what differs between the training sets of two runs, if anything does."""
    return [
        f'{new["source"]}: {line}'
        for old, new in zip(then, now, strict=True)
        for line in _changes(old, new)
    ]


def _changes(then: Description, now: Description) -> Iterator[str]:
    images_then, images_now = _images(then), _images(now)
    added = [name for name in images_now if name not in images_then]
    removed = [name for name in images_then if name not in images_now]
    if added or removed:
        parts = [f'{len(images_then)} images, now {len(images_now)}']
        parts += [f'ids added: {name_some(added)}'] if added else []
        parts += [f'ids removed: {name_some(removed)}'] if removed else []
        yield '; '.join(parts)
    elif then['ids'] != now['ids']:
        yield 'the images have another order'
    common = [name for name in images_now if name in images_then]
    for fact in images_now[common[0]] if common else ():
        if other := [n for n in common if images_then[n].get(fact) != images_now[n][fact]]:
            yield f'{fact} differs for {len(other)} images: {name_some(other)}'
    for name, label in now['labels'].items():
        kind = then['labels'].get(name, {}).get('kind')
        if kind != label['kind']:
            yield f'label {name} was {kind}, and is now {label["kind"]}'
    for key, change in _TEACHING.items():
        before, after = then.get(key, {}), now[key]
        for task in sorted(before.keys() | after.keys()):
            if before.get(task) != after.get(task):
                yield change.format(task)


def _images(description: Description) -> dict[str, dict[str, Any]]:
    """The size, the photograph and the present labels of each image by its id."""
    facts = {'size': description['sizes'], 'the photograph': description['photographs']}
    for name, label in description['labels'].items():
        facts[f'presence of the label {name}'] = label['present']
    return {
        name: dict(zip(facts, values, strict=True))
        for name, *values in zip(description['ids'], *facts.values(), strict=True)
    }
