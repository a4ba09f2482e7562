"""The record format: how an `Example` lies on disk, compressed.

A record holds the labels of its own dataset: see `LabelKind.parts`. An absent label has empty
arrays and a flag. A change of what all records share needs a new `VERSION`, so that sets prepared
before are not taken for current ones; a new kind of label does not.
"""

import io
from collections.abc import Mapping

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.kind import Part

VERSION = '3.0.0'
PRESENT = 'present'  # the flag of a label

_IMAGE = tfds.features.FeaturesDict({'image': tfds.features.Image()})


def make_features(kinds: Mapping[str, LabelKind]) -> tfds.features.FeaturesDict:
    """The features of a dataset with these labels, by name."""
    labels = {
        name: {
            PRESENT: tfds.features.Scalar(np.bool_),
            **{part: _feature(own) for part, own in kind.parts.items()},
        }
        for name, kind in kinds.items()
    }
    return tfds.features.FeaturesDict(
        {'id': tfds.features.Text(), 'image': tfds.features.Image(), 'labels': labels}
    )


def encode(example: Example, kinds: Mapping[str, LabelKind], encoded_image: bytes) -> dict:
    """An `Example` as a record of `make_features(kinds)`.

    Args:
      example: what is stored.
      kinds: of all labels of the dataset.
      encoded_image: a JPEG or PNG file whose pixels are `example.image`.
    """
    labels = {}
    for name, kind in kinds.items():
        present = name in example.labels
        parts = kind.pack(example.labels[name]) if present else _empty(kind.parts)
        labels[name] = {PRESENT: present, **parts}
    return {'id': example.id, 'image': encoded_image, 'labels': labels}


def decode(record: dict, kinds: Mapping[str, LabelKind]) -> Example:
    """The inverse of `encode`, for a record whose image TFDS left as bytes."""
    labels = {}
    for name, kind in kinds.items():
        parts = dict(record['labels'][name])
        if parts.pop(PRESENT):
            labels[name] = kind.unpack(parts)
    image = decode_image(record['image'])
    return Example(id=record['id'].decode(), image=image, labels=labels, kinds=kinds)


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


def _feature(part: Part) -> tfds.features.Tensor:
    # Maps lie as zlib-packed arrays: as small as PNG for class maps, and faster to read. TFDS
    # stores arrays with several unknown lengths in no other way.
    encoding = {'encoding': 'zlib'} if part.shape.count(None) > 1 else {}
    return tfds.features.Tensor(dtype=part.dtype, shape=part.shape, **encoding)


def _empty(parts: Mapping[str, Part]) -> dict[str, np.ndarray]:
    return {
        name: np.zeros([length or 0 for length in part.shape], part.dtype)
        for name, part in parts.items()
    }
