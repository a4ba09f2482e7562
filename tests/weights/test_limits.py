"""Weight files that declare too much, or repeat or share their parts, are refused quickly."""

import json
import os
import pathlib
import resource
import struct
import time
from collections.abc import Iterator

import h5py
import numpy as np
import pytest

from helpers import weight_files
from helpers.fuzz.weight_shapes import write_overlapping
from helpers.weight_files import (
    Call,
    Global,
    Opcodes,
    Persistent,
    contiguous,
    field,
    make_pickle,
    shared_tuple,
    varint,
)
from ubernet_jax.errors import UserError
from ubernet_jax.weights import batch_norm
from ubernet_jax.weights.budget import MAX_BYTES
from ubernet_jax.weights.caffe import read_caffemodel
from ubernet_jax.weights.exported import read_file
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.pytorch import read_pytorch, read_safetensors

READERS = {
    '.caffemodel': read_caffemodel,
    '.pth': read_pytorch,
    '.h5': read_keras,
    '.safetensors': read_safetensors,
}
ARRAY = np.ones((2, 3), np.float32)
NESTED = shared_tuple(80)
ORDERED = Global('collections', 'OrderedDict')
every_reader = pytest.mark.parametrize('suffix', READERS)


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    """A test may take 4 s of processor time, and 0.5 GB; `run_bounded` limits its processes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 500_000_000, hard))
    start = _seconds()
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert _seconds() - start < 4


def _seconds() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def refused(path: pathlib.Path, message: str, content: bytes | None = None) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf'{path.name}.*{message}'):
        READERS[path.suffix](path)


@every_reader
def test_a_file_that_is_too_large_is_refused(suffix, tmp_path):
    path = tmp_path / f'a{suffix}'
    with path.open('wb') as file:
        file.truncate(MAX_BYTES + 1)
    refused(path, '900')


@every_reader
def test_a_pipe_is_refused(suffix, tmp_path):
    path = tmp_path / f'a{suffix}'
    os.mkfifo(path)
    refused(path, 'not a file')


@pytest.mark.parametrize(
    'opcodes',
    [
        b'Nr' + struct.pack('<I', 2**30),  # None with a large number
        b'\x96' + struct.pack('<Q', 2**32),  # bytes of a declared size
        b'\x8e' + struct.pack('<Q', 2**40),
        NESTED.content,
        b'}' + NESTED.content + b'Ns',  # a dictionary with this key
        b'(' + NESTED.content + b'\x91',  # a frozen set
    ],
)
def test_a_pickle_of_a_few_bytes_is_refused(opcodes, tmp_path):
    refused(tmp_path / 'a.pth', 'read', b'\x80\x05' + opcodes + b'.')


@pytest.mark.parametrize(
    'state',
    [
        NESTED,
        {'a.weight': NESTED},
        {NESTED: contiguous('0', ARRAY)},
        Call(ORDERED, ([(NESTED, contiguous('0', ARRAY))],)),
        Persistent(('storage', Global('torch', 'FloatStorage'), NESTED, 'cpu', 1)),
        Persistent((NESTED,) * 5),
        {1: contiguous('0', ARRAY)},
        {Opcodes(b'U\1a'): NESTED, Opcodes(b'C\1a'): contiguous('0', ARRAY)},
        {None: contiguous('0', ARRAY)},
        {('a', 'b'): contiguous('0', ARRAY)},
    ],
)
@pytest.mark.parametrize('old', [False, True])
def test_keys_and_values_of_other_types_are_refused(state, old, tmp_path):
    path = tmp_path / 'a.pth'
    if old:
        weight_files.write_pickles(path, state, {'0': ARRAY})
    else:
        weight_files.write_archive(path, make_pickle(state), {'0': ARRAY.tobytes()})
    refused(path, 'cannot be read')


def test_storages_of_the_old_format_have_names(tmp_path):
    path = tmp_path / 'a.pth'
    weight_files.write_pickles(path, {}, {NESTED: ARRAY})
    refused(path, 'tuple')


def test_storages_that_overlap_are_refused(tmp_path):
    """300 storages of 100 kB in a file of 170 kB."""
    refused(write_overlapping(tmp_path / 'a.pth', 100_000, 300), 'overlap')


@pytest.mark.parametrize(
    ('layer', 'message'),
    [
        (field(7, field(7, field(1, varint(2**62) * 100_000))), '100,000'),
        (b'\x10\1' * 400_000, 'parts'),
        (field(7, field(7, field(1, 1)) + field(5, bytes(4))) * 3000, '2,000'),
        (field(1, b'a' * 2000), '2,000'),
    ],
)
def test_a_caffemodel_of_many_parts_is_refused(layer, message, tmp_path):
    refused(tmp_path / 'a.caffemodel', message, field(100, layer))


def write_hdf5(path: pathlib.Path, names: list[bytes], weights: list[bytes]) -> h5py.File:
    file = h5py.File(path, 'w')
    file.attrs['layer_names'] = np.array(names)
    file.create_group('a').attrs['weight_names'] = np.array(weights)
    return file


@pytest.mark.parametrize(('names', 'weights'), [([b'a'] * 7000, [b'k']), ([b'a'], [b'k'] * 7000)])
def test_names_that_are_repeated_are_refused(names, weights, tmp_path):
    with write_hdf5(tmp_path / 'a.h5', names, weights) as file:
        file['a']['k'] = ARRAY
    refused(tmp_path / 'a.h5', 'names repeats')


def test_groups_that_contain_themselves_are_refused(tmp_path):
    path = weight_files.write_keras_2(tmp_path / 'a.h5', {'a': [ARRAY, ARRAY[0]]})
    with h5py.File(path, 'a') as file:
        for number in range(100):
            file[f'a/{number}'] = file['a']
    refused(path, 'parts|arrays')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'chunks': (20_000, 20_000), 'maxshape': (None, None)}, 'larger than the file'),
        ({'dtype': 'S4'}, 'numbers'),
        ({'external': [('other.bin', 0, 16)]}, 'other file|another file'),
    ],
)
def test_arrays_that_keras_does_not_write_are_refused(options, message, tmp_path):
    with write_hdf5(tmp_path / 'a.h5', [b'a'], [b'k']) as file:
        file['a'].create_dataset('k', (2, 2), **({'dtype': 'f4'} | options))
    refused(tmp_path / 'a.h5', message)


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        ({'dtype': 'F8_E4M3', 'shape': [4]}, 'F8_E4M3'),
        ({'dtype': 'F4', 'shape': [8]}, 'F4'),
        ({'dtype': 'F32', 'shape': [1] * 70}, '70 dimensions'),
        ({'dtype': 'F32', 'shape': [0, 2**63], 'data_offsets': [0, 0]}, '9223372036854775808'),
    ],
)
def test_arrays_that_numpy_does_not_have_are_refused(entry, message, tmp_path):
    entry = {'data_offsets': [0, 4]} | entry
    header = json.dumps({'a': entry}).encode()
    size = entry['data_offsets'][1]
    path = tmp_path / 'a.safetensors'
    refused(path, message, len(header).to_bytes(8, 'little') + header + bytes(size))
    with pytest.raises(UserError, match=r'a\.safetensors'):
        read_file(path)


def test_a_long_header_is_refused(tmp_path):
    content = (2**24).to_bytes(8, 'little') + b' ' * 2**24
    refused(tmp_path / 'a.safetensors', '16,777,216', content)


def test_normalisations_of_other_shapes_are_not_broadcast():
    layers = {'conv': [np.ones((1, 1, 1, 1))], 'norm': [np.ones(3), *[np.ones((3, 1))] * 3]}
    with pytest.raises(ValueError, match='norm'):
        batch_norm.fold(layers, {'conv': 'norm'})
