"""Writing the labels that a teacher predicts: shard by shard, resumable, complete or not at all."""

import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.shard_report import merge_reports
from ubernet_jax.datasets.storage.shard_writer import Reader, build_shards
from ubernet_jax.datasets.storage.shards import plan_shards
from ubernet_jax.datasets.taught_labels import MANIFEST, TrainingImages, taught_folder
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import write_json
from ubernet_jax.labels import LabelKind

SHARD_IMAGES = 16  # an interrupted command repeats at most so many predictions, of small datasets


def write_taught(
    dataset: Dataset,
    indices: np.ndarray,
    labels: Mapping[str, LabelKind],
    teacher: Mapping[str, Any],
    trained_on: Sequence[TrainingImages],
    reader: Reader,
) -> pathlib.Path:
    """Writes the labels of one name, or continues an interrupted call; returns their folder.

    Args:
      dataset: the split.
      indices: int (n,), the images to label, at least one.
      labels: the name of the label -> its kind.
      teacher: facts about the network, among them its digest `network` and the `views` of an image
        over which it averages.
      trained_on: the images that it was trained on.
      reader: returns for an item (index, `network`, `views`) the image with its label, and no image
        file; it is used in this process.

    Raises:
      UserError: a file cannot be written. Finished shards are kept.
      OSError: the description cannot be written.
    """
    ((name, kind),) = labels.items()
    folder = taught_folder(dataset, name)
    unfinished = folder.with_name(f'.unfinished-{name}')
    items = [(index, teacher['network'], teacher['views']) for index in indices.tolist()]
    title = f'{name} of {dataset.source}'
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        shards = plan_shards(
            name, {dataset.split: items}, labels, Storage(), unfinished, shard_images=SHARD_IMAGES
        )
        reports = build_shards(title, shards, reader, labels, Storage(), workers=1)
    except jax.errors.JaxRuntimeError:  # from the network
        raise
    except (OSError, RuntimeError) as error:  # the record writer raises RuntimeError
        raise UserError(
            f'the labels {title} cannot be written to {unfinished}: {error}. Free some disk space '
            'and run the same command again, which continues'
        ) from error
    content = merge_reports(reports)
    digest = hashlib.sha256(json.dumps([kind.to_json(), content['ids']]).encode())
    for shard in shards:
        with shard.path.open('rb') as file:
            digest.update(hashlib.file_digest(file, 'sha256').digest())
        shard.report_path.unlink()
    manifest = {
        'label': name,
        'kind': kind.to_json(),
        'source': dataset.source,
        'digest': digest.hexdigest()[:16],
        'teacher': dict(teacher),
        'ids': content['ids'],
        'sizes': content['sizes'],
        'trained_on': [images.to_json() for images in trained_on],
    }
    write_json(unfinished / MANIFEST, manifest)
    unfinished.rename(folder)
    return folder
