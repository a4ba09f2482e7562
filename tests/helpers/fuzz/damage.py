"""Strategies for damaged files: changed bytes, and other values in the fields.

Checksums are fixed after the damage, so that readers do not stop at them.
"""

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

_PNG_START = 8  # bytes of the signature
# Sizes and offsets that overflow, or are negative when read as signed.
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_FORMATS = ('<B', '<H', '>H', '<I', '>I', '<Q', '>Q')
_TOKENS = tuple(
    token.encode()
    for token in (
        'null', 'true', '-1', '1e999', 'NaN', '-Infinity', '9' * 5000, '[' * 5000, '{"a":' * 2000,
        '""', '"\\ud800"', '[]', '{}', '&x;', '<a>' * 2000, '</object>', '<object>', '\0', '\ufeff',
        '<?xml version="1.0" encoding="utf-32"?>', '<!DOCTYPE a [<!ENTITY x "y">]>', '\n', ',', ' ',
    )
)  # fmt: skip


def _flip(draw: st.DrawFn, content: bytearray, seeds: Sequence[bytes]) -> None:
    content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))


def _overwrite_number(draw: st.DrawFn, content: bytearray, seeds: Sequence[bytes]) -> None:
    number = draw(st.sampled_from(_NUMBERS) | st.integers(0, 2**64 - 1))
    layout = draw(st.sampled_from(_FORMATS))
    width = struct.calcsize(layout)
    start = draw(st.integers(0, len(content) - 1))
    content[start : start + width] = struct.pack(layout, number % 256**width)


def _truncate(draw: st.DrawFn, content: bytearray, seeds: Sequence[bytes]) -> None:
    del content[draw(st.integers(1, len(content))) :]


def _delete(draw: st.DrawFn, content: bytearray, seeds: Sequence[bytes]) -> None:
    start = draw(st.integers(0, len(content) - 1))
    del content[start : start + draw(st.integers(1, 64))]
    content += b'' if content else b'\0'


def _splice(draw: st.DrawFn, content: bytearray, seeds: Sequence[bytes]) -> None:
    origin = draw(st.sampled_from(seeds))
    start = draw(st.integers(0, len(origin) - 1))
    piece = origin[start : start + draw(st.integers(1, 256))]
    position = draw(st.integers(0, len(content)))
    content[position : position + draw(st.sampled_from((0, len(piece))))] = piece


def _insert(draw: st.DrawFn, content: bytearray, seeds: Sequence[bytes]) -> None:
    position = draw(st.integers(0, len(content)))
    content[position:position] = draw(st.sampled_from(_TOKENS) | st.binary(min_size=1, max_size=16))


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A seed with one to four damages; in half of the cases the checksums of a PNG are fixed."""
    content = bytearray(draw(st.sampled_from(seeds)))
    damages = st.sampled_from((_flip, _overwrite_number, _truncate, _delete, _splice, _insert))
    for damage in draw(st.lists(damages, min_size=1, max_size=4)):
        damage(draw, content, seeds)
    return _with_checksums(bytes(content)) if draw(st.booleans()) else bytes(content)


def any_file(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Mostly damaged seeds, sometimes arbitrary bytes."""
    return st.one_of(damaged(seeds), damaged(seeds), damaged(seeds), st.binary(max_size=300))


def any_value() -> st.SearchStrategy[Any]:
    """Any value that JSON can represent, and NaN and infinities."""
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.sampled_from((-1, 0, 1, 10**400)),
        st.floats(),
        st.text(max_size=8),
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=6,
    )


@st.composite
def misfilled(draw: st.DrawFn, document: Any, values: st.SearchStrategy[Any] | None = None) -> Any:
    """A document of lists and dictionaries with one to three values replaced or removed."""
    for _ in range(draw(st.integers(1, 3))):
        document = _replace(draw, document, any_value() if values is None else values)
    return document


def _replace(draw: st.DrawFn, node: Any, values: st.SearchStrategy[Any]) -> Any:
    keys = list(node) if isinstance(node, dict) else range(len(node)) if _is_list(node) else ()
    if not keys or draw(st.integers(0, 5)) == 0:
        return draw(values)
    key = draw(st.sampled_from(keys))
    copy = node.copy()
    if draw(st.integers(0, 9)) == 0:
        del copy[key]
    else:
        copy[key] = _replace(draw, node[key], values)
    return copy


def _is_list(node: Any) -> bool:
    return isinstance(node, list)


def as_json(document: Any, pack: Callable[[bytes], bytes] = bytes) -> st.SearchStrategy[bytes]:
    """A JSON file with other values; `pack` puts it into its container."""
    return misfilled(document).map(lambda changed: pack(json.dumps(changed).encode()))


def _with_checksums(content: bytes) -> bytes:
    """A PNG with the checksums of its chunks updated; other files are returned unchanged."""
    if not content.startswith(b'\x89PNG'):
        return content
    fixed, position = bytearray(content), _PNG_START
    while position + 12 <= len(fixed):
        length = int.from_bytes(fixed[position : position + 4], 'big')
        end = position + 8 + length
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = struct.pack('>I', zlib.crc32(fixed[position + 4 : end]))
        position = end + 4
    return bytes(fixed)
