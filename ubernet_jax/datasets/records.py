"""The one record format of all datasets: how an `Example` lies on disk, compressed.

An absent label is an empty array. Boxes will be one more feature; raise `VERSION` then, so that
sets prepared before are not taken for current ones.
"""

import io

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS, LabelKind

VERSION = '1.0.0'

_DIRECTION_SCALE = 32767  # unit vectors lie as int16: steps of 0.002 degrees

# Label maps lie as zlib-packed arrays: as small as PNG for class maps, and faster to read.
_MAP = {'dtype': np.uint8, 'encoding': 'zlib', 'shape': (None, None)}
_DIRECTIONS = {'dtype': np.int16, 'encoding': 'zlib', 'shape': (None, None, 3)}

FEATURES = tfds.features.FeaturesDict(
    {
        'id': tfds.features.Text(),
        'image': tfds.features.Image(),
        'labels': {
            task.name: tfds.features.Tensor(
                **(_DIRECTIONS if task.label is LabelKind.DIRECTION else _MAP)
            )
            for task in TASKS.values()
        },
        'annotators': tfds.features.Tensor(**_MAP | {'shape': (None, None, None)}),
    }
)


def encode(example: Example, encoded_image: bytes) -> dict:
    """An `Example` as a record of `FEATURES`.

    Args:
      example: what is stored; directions are rounded to 16 bits.
      encoded_image: a JPEG or PNG file whose pixels are `example.image`.
    """
    absent = {
        task.name: np.zeros((0, 0, 3), np.int16)
        if task.label is LabelKind.DIRECTION
        else np.zeros((0, 0), np.uint8)
        for task in TASKS.values()
    }
    present = {
        name: np.rint(label * _DIRECTION_SCALE).astype(np.int16)
        if TASKS[name].label is LabelKind.DIRECTION
        else label
        for name, label in example.labels.items()
    }
    annotators = example.annotators
    return {
        'id': example.id,
        'image': encoded_image,
        'labels': absent | present,
        'annotators': np.zeros((0, 0, 0), np.uint8) if annotators is None else annotators,
    }


def decode(record: dict) -> Example:
    """The inverse of `encode`, for a record whose image TFDS left as bytes."""
    annotators = record['annotators']
    return Example(
        id=record['id'].decode(),
        image=decode_image(record['image']),
        labels={
            name: _unit(label) if TASKS[name].label is LabelKind.DIRECTION else label
            for name, label in record['labels'].items()
            if label.size
        },
        annotators=annotators if annotators.size else None,
    )


def encode_image(image: np.ndarray) -> bytes:
    """uint8 (H, W, 3) as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format='png')
    return buffer.getvalue()


def decode_image(encoded: bytes) -> np.ndarray:
    """The pixels of an image file as they are stored, usually uint8 (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(encoded)))


def _unit(stored: np.ndarray) -> np.ndarray:
    """int16 vectors as float32 unit vectors; all zero stays all zero."""
    vectors = stored.astype(np.float32)
    length = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    return vectors / np.where(length > 0, length, 1)
