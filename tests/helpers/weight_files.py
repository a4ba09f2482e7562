"""Writes small weight files in the formats of Caffe, PyTorch and Keras without these packages."""

import pathlib
import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np
import safetensors.numpy

Layers = Mapping[str, Sequence[np.ndarray]]


def varint(value: int) -> bytes:
    """Encodes an integer for protobuf; negative numbers take 64 bits."""
    value %= 2**64
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, value: int | bytes) -> bytes:
    """Encodes a field of a protobuf message: an integer or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array: np.ndarray, shape: Sequence[int] | None = None) -> bytes:
    """Encodes a BlobProto with a BlobShape, which may contradict the array."""
    shape = array.shape if shape is None else shape
    dimensions = field(1, b''.join(map(varint, shape)))
    return field(7, dimensions) + field(5, array.astype('<f4').tobytes())


def old_blob(array: np.ndarray) -> bytes:
    """Encodes a BlobProto of files before 2015: four dimensions, the leading ones of size 1."""
    shape = (1, 1, 1, 1, *array.shape)[-4:]
    dimensions = b''.join(field(number, size) for number, size in enumerate(shape, 1))
    return dimensions + field(5, array.astype('<f4').tobytes())


def write_caffemodel(path: pathlib.Path, layers: Layers) -> pathlib.Path:
    messages = [field(1, b'a network'), field(100, field(1, b'relu') + field(2, b'ReLU'))]
    for name, arrays in layers.items():
        blobs = b''.join(field(7, blob(array)) for array in arrays)
        messages.append(field(100, field(1, name.encode()) + field(2, b'Convolution') + blobs))
    path.write_bytes(b''.join(messages))
    return path


def write_old_caffemodel(path: pathlib.Path, layers: Layers) -> pathlib.Path:
    messages = []
    for name, arrays in layers.items():
        blobs = b''.join(field(6, old_blob(array)) for array in arrays)
        messages.append(field(2, field(4, name.encode()) + field(5, 4) + blobs))
    path.write_bytes(b''.join(messages))
    return path


class Global(NamedTuple):
    """An object that a pickle requests by name."""

    module: str
    name: str


class Call(NamedTuple):
    """A call in a pickle."""

    function: Global
    arguments: tuple


class Persistent(NamedTuple):
    """A reference to an object outside of the pickle."""

    identity: tuple


class Opcodes(NamedTuple):
    """A value as the opcodes of a pickle that push it."""

    content: bytes


def shared_tuple(depth: int) -> Opcodes:
    """A tuple of two equal tuples, and so on: 2^depth values in a few bytes."""
    return Opcodes(b')' + b'2\x86' * depth)


def make_pickle(value: Any) -> bytes:
    """Writes a pickle of protocol 2, opcode by opcode."""
    return b'\x80\x02' + _opcodes(value) + b'.'


def _opcodes(value: Any) -> bytes:
    match value:
        case Global(module, name):
            return f'c{module}\n{name}\n'.encode()
        case Call(function, arguments):
            return _opcodes(function) + _opcodes(arguments) + b'R'
        case Persistent(identity):
            return _opcodes(identity) + b'Q'
        case Opcodes(content):
            return content
        case tuple():
            return b'(' + b''.join(map(_opcodes, value)) + b't'
        case list():
            return b'](' + b''.join(map(_opcodes, value)) + b'e'
        case dict():
            items = b''.join(_opcodes(key) + _opcodes(item) for key, item in value.items())
            return b'}(' + items + b'u'
        case _:
            return pickle.dumps(value, 2)[2:-1]


def tensor(
    key: str,
    count: int,
    size: Sequence[int],
    stride: Sequence[int],
    offset: int = 0,
    storage: str = 'FloatStorage',
    old: bool = False,
) -> Call:
    """A tensor in a storage of `count` numbers; with `old`, as PyTorch wrote it before 0.4."""
    identity = ('storage', Global('torch', storage), key, 'cpu', count)
    where = (Persistent(identity + (None,) * old), offset, tuple(size), tuple(stride))
    if old:
        return Call(Global('torch._utils', '_rebuild_tensor'), where)
    hooks = Call(Global('collections', 'OrderedDict'), ())
    return Call(Global('torch._utils', '_rebuild_tensor_v2'), (*where, False, hooks))


def contiguous(key: str, array: np.ndarray, old: bool = False) -> Call:
    """A tensor that fills its storage."""
    steps = [step // array.itemsize for step in np.ascontiguousarray(array).strides]
    return tensor(key, array.size, array.shape, steps, old=old)


def _state(layers: Layers) -> dict[str, np.ndarray]:
    return {
        f'{name}.{part}': array.astype('<f4')
        for name, arrays in layers.items()
        for part, array in zip(('weight', 'bias'), arrays, strict=True)
    }


def write_archive(
    path: pathlib.Path, pickled: bytes, storages: Mapping[str, bytes], compression: int = 0
) -> pathlib.Path:
    """Writes a `.pth` file as PyTorch does since 1.6."""
    with zipfile.ZipFile(path, 'w', compression) as archive:
        archive.writestr('archive/data.pkl', pickled)
        archive.writestr('archive/byteorder', 'little')
        for key, content in storages.items():
            archive.writestr(f'archive/data/{key}', content)
        archive.writestr('archive/version', '3\n')
    return path


def write_pytorch(path: pathlib.Path, layers: Layers) -> pathlib.Path:
    return write_state(path, _state(layers))


def write_state(path: pathlib.Path, state: Mapping[str, np.ndarray]) -> pathlib.Path:
    """Writes a `.pth` file of float32 arrays by their full names."""
    keys = {name: str(number) for number, name in enumerate(state)}
    pickled = make_pickle({name: contiguous(keys[name], array) for name, array in state.items()})
    return write_archive(path, pickled, {keys[name]: a.tobytes() for name, a in state.items()})


def write_pickles(path: pathlib.Path, value: Any, storages: Mapping[str, np.ndarray]) -> None:
    """Writes a `.pth` file as PyTorch did before 1.6."""
    header = (0x1950A86A20F9469CFC6C, 1001, {'little_endian': True, 'protocol_version': 1001})
    parts = [make_pickle(item) for item in (*header, value, list(storages))]
    for array in storages.values():
        parts += [struct.pack('<q', array.size), array.tobytes()]
    path.write_bytes(b''.join(parts))


def write_old_pytorch(path: pathlib.Path, layers: Layers) -> pathlib.Path:
    state = _state(layers)
    storages = {f'9400{number}': array for number, array in enumerate(state.values())}
    keys = zip(state, storages, strict=True)
    value = {name: contiguous(key, state[name], old=True) for name, key in keys}
    write_pickles(path, value, storages)
    return path


def write_safetensors(path: pathlib.Path, layers: Layers) -> pathlib.Path:
    safetensors.numpy.save_file(_state(layers), path)
    return path


def resnet_state(
    blocks: Sequence[int] = (3, 4, 6, 3), width: int = 4, groups: int = 1, side: int = 3
) -> dict[str, np.ndarray]:
    """A narrow ResNet by torchvision's names; its first convolution has 4 channels (of 64).

    Args:
      blocks: bottlenecks of each stage; (3, 4, 6, 3) is ResNet-50.
      width: channels of the 3x3 convolutions of the first stage; 4 is ResNet, 8 is wide.
      groups: of the 3x3 convolutions.
      side: rows and columns of the 3x3 convolutions.
    """
    state = {}

    def convolution(name: str, norm: str, *shape: int) -> None:
        state[f'{name}.weight'] = np.full(shape, 0.01, np.float32)
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            state[f'{norm}.{part}'] = np.ones(shape[0], np.float32)

    convolution('conv1', 'bn1', 4, 3, 7, 7)
    inputs = 4
    for stage, count in enumerate(blocks):
        middle, outputs = width * 2**stage, 16 * 2**stage
        for block in range(count):
            name = f'layer{stage + 1}.{block}'
            convolution(f'{name}.conv1', f'{name}.bn1', middle, inputs, 1, 1)
            convolution(f'{name}.conv2', f'{name}.bn2', middle, middle // groups, side, side)
            convolution(f'{name}.conv3', f'{name}.bn3', outputs, middle, 1, 1)
            if block == 0:
                shortcut = f'{name}.downsample'
                convolution(f'{shortcut}.0', f'{shortcut}.1', outputs, inputs, 1, 1)
            inputs = outputs
    return state | {'fc.weight': np.ones((10, inputs)), 'fc.bias': np.ones(10)}


def fixed_length(names: Sequence[str]) -> np.ndarray:
    """Names as Keras 2 wrote them through h5py 2."""
    return np.array([name.encode() for name in names], None if names else 'S1')


def variable_length(names: Sequence[str]) -> np.ndarray:
    """Names as Keras 2 wrote them through h5py 3."""
    return np.array(names, h5py.string_dtype())


def write_keras_2(path: pathlib.Path, layers: Layers) -> pathlib.Path:
    """Writes a file as `save_weights` of Keras 2 through h5py 3; alphabetic order is no order."""
    with h5py.File(path, 'w') as file:
        file.attrs['layer_names'] = variable_length(['input_1', *layers])
        file.create_group('input_1').attrs['weight_names'] = variable_length([])
        for name, (kernel, bias) in layers.items():
            layer = file.create_group(name)
            layer.attrs['weight_names'] = variable_length(
                [f'{name}/{part}:0' for part in ('kernel', 'bias')]
            )
            layer[f'{name}/kernel:0'] = as_keras(name, kernel)
            layer[f'{name}/bias:0'] = bias
    return path


def as_keras(name: str, kernel: np.ndarray) -> np.ndarray:
    """Converts a kernel from the layout of Caffe to that of Keras."""
    if name == 'fc1':
        kernel = kernel.reshape(len(kernel), -1, 7, 7).transpose(0, 2, 3, 1)
        kernel = kernel.reshape(len(kernel), -1)
    return kernel.transpose((2, 3, 1, 0) if kernel.ndim == 4 else (1, 0))


def write_keras(path: pathlib.Path, layers: Layers, root: str = '/') -> pathlib.Path:
    """Writes a file like those of keras.applications, from kernels in the layout of Caffe."""
    with h5py.File(path, 'w') as file:
        group = file.require_group(root)
        group.attrs['layer_names'] = fixed_length(['input_1', *layers])
        group.create_group('input_1').attrs['weight_names'] = fixed_length([])
        for name, (kernel, bias) in layers.items():
            layer = group.create_group(name)
            layer.attrs['weight_names'] = fixed_length([f'{name}_{part}_1:0' for part in 'Wb'])
            layer[f'{name}_W_1:0'] = as_keras(name, kernel)
            layer[f'{name}_b_1:0'] = bias
    return path
