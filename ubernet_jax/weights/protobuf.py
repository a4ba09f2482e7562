"""Decodes protobuf messages without their definitions: field numbers and raw values."""

from collections.abc import Iterator

from ubernet_jax.weights.budget import Budget


def fields(message: memoryview, budget: Budget) -> Iterator[tuple[int, int | memoryview]]:
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


def integers(value: int | memoryview, budget: Budget) -> Iterator[int]:
    """Yields the signed integers of a repeated field, which is one of them or packs several."""
    if isinstance(value, int):
        yield signed(value)
        return
    position = 0
    while position < len(value):
        budget.add_part()
        number, position = _varint(value, position)
        yield signed(number)


def signed(value: int) -> int:
    """Reads an unsigned integer of 64 bits as a signed one."""
    return value - 2**64 if value >> 63 else value


def as_message(value: int | memoryview) -> memoryview:
    """The bytes of a field; raises a ValueError if it is an integer."""
    if isinstance(value, int):
        raise ValueError('a field holds a number where a message is expected')
    return value


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
