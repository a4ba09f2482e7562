"""Reads networks of Caffe (`.caffemodel`) without Caffe and without protobuf.

Such a file is a protobuf message of the type `NetParameter` (caffe.proto). Only the names and the
blobs of its layers are read. The constants below are field numbers of caffe.proto.
"""

import math
import pathlib

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.budget import Budget, check_file, check_name
from ubernet_jax.weights.protobuf import as_message, fields, integers, signed

# Field of NetParameter that holds a layer -> the layer's fields with its name and its blobs.
_LAYERS = {100: (1, 7), 2: (4, 6)}  # LayerParameter, and V1LayerParameter of files before 2015
_FIELDS = 300_000  # at most, in all messages; VGG-16 has 1000
# Fields of BlobProto.
_DATA = {5: np.dtype('<f4'), 8: np.dtype('<f8')}  # data, double_data
_SHAPE, _DIMENSIONS = 7, 1  # a BlobShape, and its field `dim`
_OLD_DIMENSIONS = (1, 2, 3, 4)  # num, channels, height and width, in blobs without a BlobShape


def read_caffemodel(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Returns layer name -> blobs, of the layers that have blobs; views of the file's bytes.

    Raises:
      UserError: the file is not a caffemodel, is truncated, or exceeds the limits of `budget`, or a
        blob's shape contradicts its data.
    """
    check_file(path)
    layers, budget = {}, Budget(_FIELDS)
    try:
        for number, layer in fields(memoryview(path.read_bytes()), budget):
            if number in _LAYERS:
                name, blobs = _layer(as_message(layer), *_LAYERS[number], budget)
                if name in layers:
                    raise ValueError(f'two layers are named {name}')
                if blobs:
                    layers[name] = blobs
        if not layers:
            raise ValueError('none of its layers has parameters')
    except ValueError as error:
        raise UserError(f'{path} cannot be read as a .caffemodel file: {error}') from error
    return layers


def _layer(
    message: memoryview, name_field: int, blob_field: int, budget: Budget
) -> tuple[str, list[np.ndarray]]:
    """The layer's name and blobs."""
    name, messages = '', []
    for number, value in fields(message, budget):
        if number == name_field:
            text = as_message(value)
            check_name(text)
            name = bytes(text).decode()
        if number == blob_field:
            messages.append(as_message(value))
    try:
        return name, [_blob(blob, name, budget) for blob in messages]
    except ValueError as error:
        raise ValueError(f'layer {name}: {error}') from error


def _blob(message: memoryview, layer: str, budget: Budget) -> np.ndarray:
    parts, old_shape, shape = [], {}, None
    for number, value in fields(message, budget):
        if number in _DATA:
            parts.append(np.frombuffer(as_message(value), _DATA[number]))
        elif number == _SHAPE:
            shape = [
                side
                for n, sides in fields(as_message(value), budget)
                if n == _DIMENSIONS
                for side in integers(sides, budget)
            ]
        elif number in _OLD_DIMENSIONS and isinstance(value, int):
            old_shape[number] = signed(value)
    if shape is None:
        shape = [old_shape.get(number, 0) for number in _OLD_DIMENSIONS]
    count = sum(len(part) for part in parts)
    budget.add_array(layer, shape, max((part.itemsize for part in parts), default=1))
    if min(shape, default=0) < 0 or math.prod(shape) != count:
        raise ValueError(f'a blob of shape {tuple(shape)} has {count} numbers')
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)).reshape(shape)
