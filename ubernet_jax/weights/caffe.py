"""Reads networks of Caffe (`.caffemodel`) without Caffe and without protobuf.

Such a file is a protobuf message of the type `NetParameter` (caffe.proto). Only the names and the
blobs of its layers are read. The constants below are field numbers of caffe.proto.
"""

import math
import pathlib
from collections.abc import Iterator

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.budget import Budget, check_file, check_name

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
        for number, layer in _fields(memoryview(path.read_bytes()), budget):
            if number in _LAYERS:
                name, blobs = _layer(_as_message(layer), *_LAYERS[number], budget)
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
    for number, value in _fields(message, budget):
        if number == name_field:
            text = _as_message(value)
            check_name(text)
            name = bytes(text).decode()
        if number == blob_field:
            messages.append(_as_message(value))
    try:
        return name, [_blob(blob, name, budget) for blob in messages]
    except ValueError as error:
        raise ValueError(f'layer {name}: {error}') from error


def _blob(message: memoryview, layer: str, budget: Budget) -> np.ndarray:
    parts, old_shape, shape = [], {}, None
    for number, value in _fields(message, budget):
        if number in _DATA:
            parts.append(np.frombuffer(_as_message(value), _DATA[number]))
        elif number == _SHAPE:
            shape = list(_dimensions(_as_message(value), budget))
        elif number in _OLD_DIMENSIONS and isinstance(value, int):
            old_shape[number] = _signed(value)
    if shape is None:
        shape = [old_shape.get(number, 0) for number in _OLD_DIMENSIONS]
    count = sum(len(part) for part in parts)
    budget.add_array(layer, shape, max((part.itemsize for part in parts), default=1))
    if min(shape, default=0) < 0 or math.prod(shape) != count:
        raise ValueError(f'a blob of shape {tuple(shape)} has {count} numbers')
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)).reshape(shape)


def _dimensions(shape: memoryview, budget: Budget) -> Iterator[int]:
    for number, value in _fields(shape, budget):
        if number != _DIMENSIONS:
            continue
        if isinstance(value, int):
            yield _signed(value)
            continue
        position = 0  # packed
        while position < len(value):
            budget.add_part()
            dimension, position = _varint(value, position)
            yield _signed(dimension)


def _fields(message: memoryview, budget: Budget) -> Iterator[tuple[int, int | memoryview]]:
    """Yields (number, value) of each field: an integer, or the bytes of any other value."""
    position = 0
    while position < len(message):
        budget.add_part()
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire_type == 2:
            length, position = _varint(message, position)
        elif wire_type in (1, 5):
            length = 8 if wire_type == 1 else 4
        else:
            raise ValueError(f'a field has wire type {wire_type}, which protobuf does not define')
        left = len(message) - position
        if length > left:
            raise ValueError(f'a field claims {length:,} bytes, but only {left:,} are left')
        yield number, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Decodes an integer of seven bits per byte; returns it and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position == len(message):
            raise ValueError('it ends within a number')
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError('a number has more than ten bytes')


def _signed(value: int) -> int:
    return value - 2**64 if value >> 63 else value


def _as_message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError('a field holds a number where a message is expected')
    return value
