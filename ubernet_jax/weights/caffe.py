"""Caffe's networks (`.caffemodel`), read without Caffe and without protobuf.

Such a file is one protobuf message, `NetParameter` of caffe.proto. Only the names and the blobs of
its layers are read; the numbers below are those of the fields there.
"""

import math
import pathlib
from collections.abc import Iterator

import numpy as np

from ubernet_jax.errors import UserError

# Fields of NetParameter with a layer -> the layer's fields with its name and with its blobs.
_LAYERS = {100: (1, 7), 2: (4, 6)}  # LayerParameter, and V1LayerParameter of files before 2015
# Of BlobProto.
_DATA = {5: np.dtype('<f4'), 8: np.dtype('<f8')}  # data, double_data
_SHAPE, _SIDES = 7, 1  # a BlobShape, and its dim
_OLD_SIDES = (1, 2, 3, 4)  # num, channels, height and width, where there is no BlobShape


def read_caffemodel(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """The blobs of every layer that has some, by the layer's name; views of the file's bytes.

    Raises:
      UserError: it is no caffemodel, is truncated, or a blob's shape contradicts its data.
    """
    layers = {}
    try:
        for number, layer in _fields(memoryview(path.read_bytes())):
            if number in _LAYERS:
                name, blobs = _layer(_as_message(layer), *_LAYERS[number])
                if name in layers:
                    raise ValueError(f'two layers are named {name}')
                if blobs:
                    layers[name] = blobs
        if not layers:
            raise ValueError('no layer in it has parameters')
    except ValueError as error:
        raise UserError(f'{path} cannot be read as a .caffemodel file: {error}') from error
    return layers


def _layer(message: memoryview, name_field: int, blob_field: int) -> tuple[str, list[np.ndarray]]:
    name, messages = '', []
    for number, value in _fields(message):
        if number == name_field:
            name = bytes(_as_message(value)).decode()
        if number == blob_field:
            messages.append(_as_message(value))
    try:
        return name, [_blob(blob) for blob in messages]
    except ValueError as error:
        raise ValueError(f'layer {name}: {error}') from error


def _blob(message: memoryview) -> np.ndarray:
    parts, old_sides, sides = [], {}, None
    for number, value in _fields(message):
        if number in _DATA:
            parts.append(np.frombuffer(_as_message(value), _DATA[number]))
        elif number == _SHAPE:
            sides = list(_sides(_as_message(value)))
        elif number in _OLD_SIDES and isinstance(value, int):
            old_sides[number] = _signed(value)
    if sides is None:
        sides = [old_sides.get(number, 0) for number in _OLD_SIDES]
    count = sum(len(part) for part in parts)
    if min(sides, default=0) < 0 or math.prod(sides) != count:
        raise ValueError(f'a blob of shape {tuple(sides)} has {count} numbers')
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)).reshape(sides)


def _sides(shape: memoryview) -> Iterator[int]:
    for number, value in _fields(shape):
        if number == _SIDES and isinstance(value, int):
            yield _signed(value)
        elif number == _SIDES:  # packed
            position = 0
            while position < len(value):
                side, position = _varint(value, position)
                yield _signed(side)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an integer, or the bytes of everything else."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == 2:
            length, position = _varint(message, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f'a field has wire type {kind}, which is none of protobuf')
        left = len(message) - position
        if length > left:
            raise ValueError(f'a field is to have {length:,} bytes, but only {left:,} are left')
        yield number, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, and the position behind it."""
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
        raise ValueError('a number stands where a message is expected')
    return value
