"""The record format: how an `Example` is stored on disk, compressed.

A record holds the labels of its dataset: see `LabelKind.parts`. A missing label has empty arrays
and a flag. A change to the format of all records needs a new `VERSION`, so that datasets prepared
before are not mistaken for current ones; a new kind of label does not.
"""

import io
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.kind import Part
from ubernet_jax.photographs import open_stored

VERSION = '3.0.0'
PRESENT = 'present'  # the flag that an image has a label

_NO_ENCODING = tfds.features.Encoding.NONE
_IMAGE = tfds.features.FeaturesDict({'image': tfds.features.Image()})


def make_features(kinds: Mapping[str, LabelKind]) -> tfds.features.FeaturesDict:
    """Returns the features of a dataset with these labels, by name."""
    labels = {
        name: {
            PRESENT: tfds.features.Scalar(np.bool_),
            **{part_name: _feature(part) for part_name, part in kind.parts.items()},
        }
        for name, kind in kinds.items()
    }
    return tfds.features.FeaturesDict(
        {'id': tfds.features.Text(), 'image': tfds.features.Image(), 'labels': labels}
    )


def encode(example: Example, kinds: Mapping[str, LabelKind], encoded_image: bytes) -> dict:
    """Converts an `Example` to a record of `make_features(kinds)`.

    Args:
      example: the example to store.
      kinds: kinds of all labels of the dataset.
      encoded_image: a JPEG or PNG file with the pixels of `example.image`.
    """
    labels = {}
    for name, kind in kinds.items():
        present = name in example.labels
        parts = kind.pack(example.labels[name]) if present else _empty(kind.parts)
        labels[name] = {PRESENT: present, **parts}
    return {'id': example.id, 'image': encoded_image, 'labels': labels}


def decode(record: dict, kinds: Mapping[str, LabelKind]) -> Example:
    """Converts a record, with its image still encoded, to an `Example`; the inverse of `encode`."""
    labels, image = decode_labels(record, kinds), decode_image(record['image'])
    return Example(id=record['id'].decode(), image=image, labels=labels, kinds=kinds)


def read_labels(serialized: bytes, kinds: Mapping[str, LabelKind]) -> dict[str, Any]:
    """Returns the labels in a serialized record, by name, without decoding its image."""
    features = make_features(kinds)
    decoders = {'image': tfds.decode.SkipDecoding()}
    record = cast(dict, features.deserialize_example_np(serialized, decoders=decoders))
    return decode_labels(record, kinds)


def decode_labels(record: dict, kinds: Mapping[str, LabelKind]) -> dict[str, Any]:
    """Converts the labels of a record, by name; those that the image lacks are left out."""
    labels = {}
    for name, kind in kinds.items():
        parts = dict(record['labels'][name])
        if parts.pop(PRESENT):
            labels[name] = kind.unpack(parts)
    return labels


def read_image_file(serialized: bytes) -> bytes:
    """Returns the JPEG or PNG file in a serialized record, without decoding the labels."""
    decoders = {'image': tfds.decode.SkipDecoding()}
    record = cast(dict[str, bytes], _IMAGE.deserialize_example_np(serialized, decoders=decoders))
    return record['image']


def encode_image(image: np.ndarray) -> bytes:
    """Encodes uint8 (H, W, 3) as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format='png')
    return buffer.getvalue()


def decode_image(encoded: bytes) -> np.ndarray:
    """Decodes a JPEG or PNG file to the stored pixels, usually uint8 (H, W, 3).

    Raises:
      OSError: it is not such a file, or it is damaged.
    """
    return np.asarray(open_stored(encoded))


def _feature(part: Part) -> tfds.features.Tensor:
    # Maps are compressed with zlib: as small as PNG for class maps, and faster to read. TFDS has no
    # other storage for arrays with several unknown lengths.
    encoding = tfds.features.Encoding.ZLIB if part.shape.count(None) > 1 else _NO_ENCODING
    return tfds.features.Tensor(dtype=part.dtype, shape=part.shape, encoding=encoding)


def _empty(parts: Mapping[str, Part]) -> dict[str, np.ndarray]:
    return {
        name: np.zeros([length or 0 for length in part.shape], part.dtype)
        for name, part in parts.items()
    }
