"""Weight files whose structure is hostile: nested, shared and repeated parts, and false sizes."""

import json
import pathlib
import struct
import zipfile
import zlib
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st

from helpers import weight_files
from helpers.weight_files import (
    Call,
    Global,
    Opcodes,
    Persistent,
    field,
    make_pickle,
    shared_tuple,
    tensor,
    varint,
)

_ARRAY = np.ones(6, np.float32)
# Sizes that are right, wrong, empty, negative, or overflow; numbers of repetitions.
_SIZES = st.sampled_from((0, 1, 2, 3, 6, -1, 2**31, 2**40, 2**62, 2**63, 2**64, 10**30))
_COUNTS = st.sampled_from((0, 1, 2, 33, 70, 3000, 100_000))
_LARGEST = 2**15  # bytes of a repeated part; hypothesis keeps the cases in memory
_DTYPES = ('F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F4', 'C64', 'U16', 'BOOL', 'X')


def pytorch_files(folder: pathlib.Path) -> st.SearchStrategy[bytes]:
    """Archives and files of the old format; the pickles have keys and values of any type."""
    shared = st.integers(0, 80).map(shared_tuple)
    sizes = st.lists(_SIZES, max_size=3) | st.just([1] * 70)
    tensors = st.builds(
        tensor, st.sampled_from('01'), st.just(6) | _SIZES, sizes, sizes, st.just(0) | _SIZES
    )
    memo = st.integers(0, 2**32 - 1).map(lambda index: Opcodes(b'Nr' + struct.pack('<I', index)))
    # BINUNICODE8, BINBYTES8, BYTEARRAY8 and FRAME, each of a size that the file does not have.
    declared = st.builds(
        lambda code, size: Opcodes(code + struct.pack('<Q', size % 2**64)),
        st.sampled_from((b'\x8d', b'\x8e', b'\x96', b'\x95')),
        _SIZES,
    )
    values = st.one_of(
        tensors, shared, memo, declared, st.none(), st.integers(), st.binary(max_size=4), st.text()
    )
    identities = st.lists(values | st.just('storage'), max_size=6).map(tuple).map(Persistent)
    keys = st.sampled_from(('a.weight', 'a.bias', 'a', '')) | values.map(_hashable)
    states = st.dictionaries(keys, values | identities, max_size=3)
    ordered = states.map(
        lambda state: Call(Global('collections', 'OrderedDict'), ([*state.items()],))
    )
    states = states | ordered | values

    def pack(state: Any, storages: dict) -> bytes:
        contents = {key: array.tobytes() for key, array in storages.items()}
        return weight_files.write_archive(
            folder / 'seed', make_pickle(state), contents
        ).read_bytes()

    def pack_old(state: Any, storages: dict) -> bytes:
        weight_files.write_pickles(folder / 'seed', state, storages)
        return (folder / 'seed').read_bytes()

    storages = st.sampled_from(({}, {'0': _ARRAY}, {'0': _ARRAY, '1': _ARRAY}))
    old_storages = storages | shared.map(lambda key: {key: _ARRAY})
    overlapping = st.builds(
        lambda size, count: write_overlapping(folder / 'seed', 4 * size, count).read_bytes(),
        st.integers(0, 1000),
        st.integers(0, 300),
    )
    return st.one_of(
        st.builds(pack, states, storages),
        st.builds(pack_old, states, old_storages),
        overlapping,
        (memo | declared | shared).map(make_pickle),
    )


def write_overlapping(path: pathlib.Path, size: int, count: int) -> pathlib.Path:
    """Writes a `.pth` file whose storages have `size` bytes and more, and share their bytes."""
    body, entries, state = bytes(size), [], {}
    for key in (f'{number:05}' for number in range(count)):
        state[f'layer{key}.weight'] = tensor(key, len(body) // 4, (len(body) // 4,), (1,))
        entry = zipfile.ZipInfo(f'archive/data/{key}')
        entry.file_size = entry.compress_size = len(body)
        entry.CRC = zlib.crc32(body)
        body = entry.FileHeader() + body  # the next storage contains this header
        entries.append((entry, len(body)))
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', make_pickle(state))
        assert archive.fp
        archive.fp.write(body)
        archive.start_dir = archive.fp.tell()
        for entry, length in entries:
            entry.header_offset = archive.start_dir - length
            archive.filelist.append(entry)
    return path


def _hashable(key: Any) -> Any:
    """A key of a dictionary that hypothesis can build; lists within a call cannot be hashed."""
    try:
        hash(key)
    except TypeError:
        return str(key)
    return key


def caffemodels() -> st.SearchStrategy[bytes]:
    """Layers, blobs, fields and sides that are repeated, and names of any length."""
    sides = st.builds(
        lambda sides, count: field(7, field(1, _repeat(b''.join(map(varint, sides)), count))),
        st.lists(_SIZES, min_size=1, max_size=2),
        _COUNTS,
    )
    numbers = st.sampled_from((b'', bytes(4), bytes(24), b'123')).map(lambda data: field(5, data))
    small = st.one_of(sides, numbers, st.sampled_from((b'\x10\1', b'\x2d\0\0\0\0', field(1, 3))))
    blobs = st.lists(st.builds(_repeat, small, _COUNTS), max_size=3).map(b''.join)
    names = _COUNTS.map(lambda count: field(1, _repeat(b'a', count)))
    layers = st.builds(lambda name, blob: field(100, name + field(7, blob)), names, blobs)
    return st.builds(_repeat, layers, _COUNTS)


def _repeat(part: bytes, count: int) -> bytes:
    return part * min(count, max(1, _LARGEST // len(part)))


def safetensors_files() -> st.SearchStrategy[bytes]:
    """Arrays of all types and shapes, whose sizes agree with the header or do not."""
    entries = st.fixed_dictionaries(
        {
            'dtype': st.sampled_from(_DTYPES),
            'shape': st.lists(st.sampled_from((0, 1, 2, 2**40, 2**63)), max_size=3)
            | st.sampled_from(([1] * 70, [0, 2**62], [2])),
            'data_offsets': st.sampled_from(([0, 0], [0, 1], [0, 2], [0, 4], [0, 8], [0, 2**62])),
        }
    )

    def pack(entry: dict, count: int) -> bytes:
        header = json.dumps({f'a{number}.weight': entry for number in range(count)}).encode()
        end = entry['data_offsets'][1]
        return len(header).to_bytes(8, 'little') + header + bytes(end if end < 100 else 0)

    return st.builds(pack, entries, st.sampled_from((0, 1, 1, 1, 2, 3000)))


def keras_files(folder: pathlib.Path) -> st.SearchStrategy[bytes]:
    """Names that are repeated, links to the same groups and arrays, large chunks, odd types."""

    def pack(names: int, fixed: bool, links: int, side: int, dtype: str) -> bytes:
        as_names = weight_files.fixed_length if fixed else weight_files.variable_length
        with h5py.File(folder / 'seed', 'w') as file:
            file.attrs['layer_names'] = as_names(['a'] * names)
            group = file.create_group('a')
            group.attrs['weight_names'] = as_names(['k'] * names)
            chunks = (side, side) if side else None
            group.create_dataset(
                'k', (2, 2), dtype, chunks=chunks, maxshape=chunks and (None, None)
            )
            for number in range(links):
                group[f'k{number}'] = group['k']
                group[f'g{number}'] = group
                file[f'a{number}'] = group
        return (folder / 'seed').read_bytes()

    return st.builds(
        pack,
        names=st.sampled_from((0, 1, 2, 3000)),
        fixed=st.booleans(),
        links=st.sampled_from((0, 0, 1, 30, 300)),
        side=st.sampled_from((0, 0, 2, 2000, 20_000)),
        dtype=st.sampled_from(('f4', 'f8', 'i4', 'S3', 'b1', 'c8')),
    )
