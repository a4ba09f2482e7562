"""The readers of foreign weight files: what they return and what they refuse."""

import pathlib
import zipfile

import h5py
import numpy as np
import pytest

from helpers import weight_files
from helpers.weight_files import Call, Global, blob, contiguous, field, make_pickle, tensor, varint
from ubernet_jax.errors import UserError
from ubernet_jax.weights.caffe import read_caffemodel
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.pytorch import read_pytorch, read_safetensors

LAYERS = {
    'block1_conv1': [np.arange(54.0).reshape(2, 3, 3, 3), np.array([0.5, -1])],
    'fc1': [np.arange(5 * 2 * 49.0).reshape(5, 98), np.arange(5.0)],
    'fc2': [np.arange(15.0).reshape(3, 5), np.arange(3.0)],
}
REGIONS = {**LAYERS, 'fc1': [LAYERS['fc1'][0].reshape(5, 2, 7, 7), LAYERS['fc1'][1]]}
FOUR_DIMENSIONS = {
    name: [kernel.reshape((1, 1, *kernel.shape)[-4:]), bias.reshape(1, 1, 1, -1)]
    for name, (kernel, bias) in LAYERS.items()
}


FORMATS = {
    'caffemodel': (weight_files.write_caffemodel, read_caffemodel, LAYERS),
    'old caffemodel': (weight_files.write_old_caffemodel, read_caffemodel, FOUR_DIMENSIONS),
    'pth': (weight_files.write_pytorch, read_pytorch, LAYERS),
    'old pth': (weight_files.write_old_pytorch, read_pytorch, LAYERS),
    'safetensors': (weight_files.write_safetensors, read_safetensors, LAYERS),
    'h5': (weight_files.write_keras, read_keras, REGIONS),
    'h5 of Keras 2': (weight_files.write_keras_2, read_keras, REGIONS),
}
every_format = pytest.mark.parametrize('format', FORMATS)


@every_format
def test_every_layer_is_read_in_the_layout_of_caffe(format, tmp_path):
    write, read, expected = FORMATS[format]
    layers = read(write(tmp_path / 'file', LAYERS))
    assert layers.keys() == expected.keys()
    for name, arrays in expected.items():
        assert len(layers[name]) == 2
        for actual, array in zip(layers[name], arrays, strict=True):
            np.testing.assert_array_equal(actual, array)


@every_format
def test_a_truncated_file_is_refused(format, tmp_path):
    write, read, _ = FORMATS[format]
    path = write(tmp_path / 'file', LAYERS)
    content = path.read_bytes()
    # The end of a layer is not among the lengths: a caffemodel may end there.
    for length in (0, 1, 20, 150, len(content) // 3, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match=f'{path} cannot be read'):
            read(path)


@every_format
@pytest.mark.parametrize('content', [b'\xff' * 500, b'<html>not found</html>', b'\x08\x01'])
def test_a_file_of_another_format_is_refused(format, content, tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(content)
    with pytest.raises(UserError, match=f'{path} cannot be read'):
        FORMATS[format][1](path)


@every_format
def test_a_missing_file_is_named(format, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        FORMATS[format][1](tmp_path / 'nowhere')


def layer(*blobs: bytes) -> bytes:
    return field(100, field(1, b'conv') + b''.join(field(7, content) for content in blobs))


TWELVE = np.arange(12.0)


@pytest.mark.parametrize(
    'content',
    [
        field(7, field(1, varint(3) + varint(4))) + field(8, TWELVE.astype('<f8').tobytes()),
        # Shapes and numbers that are not packed, which a reader must also accept.
        field(7, field(1, 3) + field(1, 4))
        + b''.join(varint(5 << 3 | 5) + x.tobytes() for x in TWELVE.astype('<f4')),
        # An unknown field, and numbers in two parts.
        field(7, field(1, varint(3) + varint(4)))
        + field(15, b'more')
        + varint(16 << 3 | 1) + bytes(8)
        + field(5, TWELVE[:5].astype('<f4').tobytes())
        + field(5, TWELVE[5:].astype('<f4').tobytes()),
    ],
)  # fmt: skip
def test_other_encodings_of_a_blob_are_read(content, tmp_path):
    path = tmp_path / 'a.caffemodel'
    path.write_bytes(layer(content))
    np.testing.assert_array_equal(read_caffemodel(path)['conv'][0], TWELVE.reshape(3, 4))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (layer(blob(TWELVE, (-3, -4))), r'layer conv.*\(-3, -4\).* 12 '),
        (layer(blob(TWELVE, (2**40, 2**40))), '1099511627776'),
        (layer(blob(TWELVE, (3, 5))), r'\(3, 5\).* 12 '),
        (layer(field(7, field(1, 3)) + field(5, b'123')), 'layer conv'),
        (varint(100 << 3 | 2) + varint(2**62) + b'short', '4,611,686,018,427,387,904'),
        (b'\xa2\x06' + b'\xff' * 11, 'ten bytes'),
        (field(100, 5), 'message'),
        (layer(blob(TWELVE)) * 2, 'two layers.*conv'),
        (layer(), 'parameters'),
        (field(100, field(1, b'\xff') + field(7, blob(TWELVE))), 'decode'),
    ],
)
def test_an_inconsistent_caffemodel_is_refused(content, message, tmp_path):
    path = tmp_path / 'a.caffemodel'
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf'a\.caffemodel.*{message}'):
        read_caffemodel(path)


def test_tensors_that_share_a_storage_are_read(tmp_path):
    numbers = np.arange(12.0).astype('<f4')
    state = {
        'a.weight': tensor('0', 12, (4, 3), (1, 4)),
        'a.bias': tensor('0', 12, (2,), (3,), offset=5),
        'b.weight': tensor('1', 2, (2,), (1,), storage='HalfStorage'),
        'b.count': tensor('2', 1, (), (), storage='LongStorage'),
    }
    storages = {'0': numbers.tobytes(), '1': np.float16([1, 2]).tobytes(), '2': b'\7' + bytes(7)}
    path = weight_files.write_archive(tmp_path / 'a.pth', make_pickle(state), storages)
    layers = read_pytorch(path)
    np.testing.assert_array_equal(layers['a'][0], numbers.reshape(3, 4).T)
    np.testing.assert_array_equal(layers['a'][1], [5, 8])
    np.testing.assert_array_equal(layers['b'][0], [1, 2])
    assert layers['b'][1] == 7


def parameter(array: np.ndarray) -> Call:
    rebuild = Global('torch._utils', '_rebuild_parameter')
    return Call(rebuild, (contiguous('0', array), True, Call(ORDERED, ())))


ORDERED = Global('collections', 'OrderedDict')


def test_a_dictionary_of_parameters_is_read(tmp_path):
    array = np.float32([[1, 2]])
    items = [('a.weight', parameter(array))]
    pickled = make_pickle(Call(ORDERED, (items,)))
    path = weight_files.write_archive(tmp_path / 'a.pth', pickled, {'0': array.tobytes()})
    np.testing.assert_array_equal(read_pytorch(path)['a'][0], array)


def poison(tmp_path: pathlib.Path) -> Call:
    return Call(Global('os', 'system'), (f'touch {tmp_path / "ran"}',))


@pytest.mark.parametrize('old', [False, True])
def test_a_pickle_that_runs_code_is_refused(old, tmp_path):
    path = tmp_path / 'a.pth'
    value = {'a.weight': contiguous('0', TWELVE), 'b': poison(tmp_path)}
    if old:
        weight_files.write_pickles(path, value, {'0': TWELVE})
    else:
        weight_files.write_archive(path, make_pickle(value), {'0': TWELVE.tobytes()})
    with pytest.raises(UserError, match=r'a\.pth.*os\.system'):
        read_pytorch(path)
    assert not (tmp_path / 'ran').exists()


def test_a_poisoned_header_of_the_old_format_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_bytes(make_pickle(poison(tmp_path)))
    with pytest.raises(UserError, match=r'a\.pth.*os\.system'):
        read_pytorch(path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (tensor('0', 12, (3, 5), (5, 1)), 'storage of 12 '),
        (tensor('0', 12, (3, 4), (4, 1), offset=1), 'storage of 12 '),
        (tensor('0', 12, (3, 4), (-4, 1), offset=11), 'storage of 12 '),
        (tensor('0', 12, (-3, 4), (4, 1)), 'storage of 12 '),
        (tensor('0', 12, (10**9, 10**9), (0, 0)), r'\(1000000000, 1000000000\)'),
        (tensor('0', 12, (3, 4), (1,)), 'ValueError'),
        (tensor('0', 12, ('3',), (1,)), 'TypeError'),
        (tensor('0', 10**15, (3,), (1,)), '48 bytes.*4,000,000,000,000,000'),
        (tensor('0', -1, (3,), (1,)), 'storage 0.* -1 '),
        (tensor('../../secret', 12, (3,), (1,)), 'KeyError'),
        (tensor('0', 12, (3,), (1,), storage='QInt8Storage'), 'torch.QInt8Storage'),
        (weight_files.Persistent(('module', 1, '0', 'cpu', 3)), "'module', 1, '0', 'cpu', 3"),
        ([1], 'list.*dictionary of tensors'),
    ],
)
def test_inconsistent_tensors_are_refused(value, message, tmp_path):
    pickled = make_pickle({'a.weight': value})
    storages = {'0': TWELVE.astype('<f4').tobytes()}
    path = weight_files.write_archive(tmp_path / 'a.pth', pickled, storages)
    with pytest.raises(UserError, match=rf'a\.pth.*{message}'):
        read_pytorch(path)


def test_a_compressed_archive_is_refused(tmp_path):
    """Its expanded size is not limited."""
    pickled = make_pickle({'a.weight': contiguous('0', TWELVE)})
    path = tmp_path / 'a.pth'
    weight_files.write_archive(path, pickled, {'0': bytes(10**6)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match=r'a\.pth.*compressed'):
        read_pytorch(path)


def test_a_storage_of_the_old_format_larger_than_the_file_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    value = {'a.weight': tensor('0', 10**12, (3,), (1,), old=True)}
    weight_files.write_pickles(path, value, {'0': TWELVE})
    with pytest.raises(UserError, match=r'a\.pth.*1,000,000,000,000 .*storage 0.* 12 '):
        read_pytorch(path)


def test_a_complete_keras_model_is_read(tmp_path):
    path = weight_files.write_keras(tmp_path / 'a.h5', LAYERS, 'model_weights')
    np.testing.assert_array_equal(read_keras(path)['fc2'][0], LAYERS['fc2'][0])


def test_a_keras_array_larger_than_its_file_is_refused(tmp_path):
    path = tmp_path / 'a.h5'
    with h5py.File(path, 'w') as file:
        file.attrs['layer_names'] = np.array([b'fc2'])
        file.create_group('fc2').attrs['weight_names'] = np.array([b'kernel'])
        file['fc2'].create_dataset('kernel', (10**6, 10**6), 'f4', chunks=(1000, 1000))
    with pytest.raises(UserError, match=r'a\.h5.*fc2'):
        read_keras(path)


def test_a_keras_file_without_weights_is_refused(tmp_path):
    with pytest.raises(UserError, match=r'a\.h5 cannot be read.*none of its layers'):
        read_keras(weight_files.write_keras_2(tmp_path / 'a.h5', {}))
