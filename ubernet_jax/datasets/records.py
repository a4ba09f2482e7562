"""The one record format of all datasets: how an `Example` lies on disk, compressed.

An absent label is an empty array; boxes, of which there may be none, have a flag instead. A change
of `FEATURES` needs a new `VERSION`, so that sets prepared before are not taken for current ones.
"""

import dataclasses
import io

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from ubernet_jax.structs import Boxes, Example
from ubernet_jax.tasks import TASKS, LabelKind, Task

VERSION = '2.0.0'

_DIRECTION_SCALE = 32767  # unit vectors lie as int16: steps of 0.002 degrees

# Label maps lie as zlib-packed arrays: as small as PNG for class maps, and faster to read.
_MAP = {'dtype': np.uint8, 'encoding': 'zlib', 'shape': (None, None)}
_DIRECTIONS = {'dtype': np.int16, 'encoding': 'zlib', 'shape': (None, None, 3)}

_NO_BOXES = Boxes(
    corners=np.zeros((0, 4), np.float32), classes=np.zeros(0, np.uint8), difficult=np.zeros(0, bool)
)


def _feature(task: Task) -> tfds.features.Tensor | dict[str, tfds.features.Tensor]:
    if task.label is LabelKind.BOXES:
        return {
            'labelled': tfds.features.Scalar(np.bool_),
            'corners': tfds.features.Tensor(dtype=np.float32, shape=(None, 4)),
            'classes': tfds.features.Tensor(dtype=np.uint8, shape=(None,)),
            'difficult': tfds.features.Tensor(dtype=np.bool_, shape=(None,)),
        }
    return tfds.features.Tensor(**(_DIRECTIONS if task.label is LabelKind.DIRECTION else _MAP))


FEATURES = tfds.features.FeaturesDict(
    {
        'id': tfds.features.Text(),
        'image': tfds.features.Image(),
        'labels': {task.name: _feature(task) for task in TASKS.values()},
        'annotators': tfds.features.Tensor(**_MAP | {'shape': (None, None, None)}),
    }
)
_IMAGE = tfds.features.FeaturesDict({'image': FEATURES['image']})


def encode(example: Example, encoded_image: bytes) -> dict:
    """An `Example` as a record of `FEATURES`.

    Args:
      example: what is stored; directions are rounded to 16 bits.
      encoded_image: a JPEG or PNG file whose pixels are `example.image`.
    """
    annotators = example.annotators
    return {
        'id': example.id,
        'image': encoded_image,
        'labels': {name: _pack(task, example.labels.get(name)) for name, task in TASKS.items()},
        'annotators': np.zeros((0, 0, 0), np.uint8) if annotators is None else annotators,
    }


def decode(record: dict) -> Example:
    """The inverse of `encode`, for a record whose image TFDS left as bytes."""
    annotators = record['annotators']
    labels = {name: _unpack(task, record['labels'][name]) for name, task in TASKS.items()}
    return Example(
        id=record['id'].decode(),
        image=decode_image(record['image']),
        labels={name: label for name, label in labels.items() if label is not None},
        annotators=annotators if annotators.size else None,
    )


def read_image_file(serialized: bytes) -> bytes:
    """The JPEG or PNG file in a record as it lies on disk; its labels are not decoded."""
    decoders = {'image': tfds.decode.SkipDecoding()}
    return _IMAGE.deserialize_example_np(serialized, decoders=decoders)['image']


def encode_image(image: np.ndarray) -> bytes:
    """uint8 (H, W, 3) as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format='png')
    return buffer.getvalue()


def decode_image(encoded: bytes) -> np.ndarray:
    """The pixels of an image file as they are stored, usually uint8 (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(encoded)))


def _pack(task: Task, label: np.ndarray | Boxes | None) -> np.ndarray | dict:
    """What a record holds of a label; None for an image without it."""
    if task.label is LabelKind.BOXES:
        boxes = _NO_BOXES if label is None else label
        return {'labelled': label is not None, **dataclasses.asdict(boxes)}
    if task.label is LabelKind.DIRECTION:
        vectors = np.zeros((0, 0, 3)) if label is None else label
        return np.rint(vectors * _DIRECTION_SCALE).astype(np.int16)
    return np.zeros((0, 0), np.uint8) if label is None else label


def _unpack(task: Task, stored: np.ndarray | dict) -> np.ndarray | Boxes | None:
    """The inverse of `_pack`."""
    if task.label is LabelKind.BOXES:
        parts = dict(stored)
        return Boxes(**parts) if parts.pop('labelled') else None
    if not stored.size:
        return None
    return _unit(stored) if task.label is LabelKind.DIRECTION else stored


def _unit(stored: np.ndarray) -> np.ndarray:
    """int16 vectors as float32 unit vectors; all zero stays all zero."""
    vectors = stored.astype(np.float32)
    length = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    return vectors / np.where(length > 0, length, 1)
