"""Reads state dictionaries of PyTorch (`.pth`, `.safetensors`) without PyTorch.

A `.pth` file is a zip archive of a pickle and a file for each storage, or, before PyTorch 1.6, a
sequence of pickles followed by the storages. A pickle may refer to tensors and storages only. Its
tuples may share their parts: hashing or showing them takes exponential time, so types are checked
first. Another process reads the file, because `pickle` and `zipfile` believe its sizes.
"""

import collections
import math
import os
import pathlib
import reprlib
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO, Any, NamedTuple

import numpy as np

from ubernet_jax.bounded_process import run_bounded
from ubernet_jax.errors import UserError
from ubernet_jax.weights.budget import Budget, check_file
from ubernet_jax.weights.safetensors_file import open_safetensors
from ubernet_jax.weights.transformers_names import rename_transformers
from ubernet_jax.weights.unpickling import ArrayUnpickler, check_keys

_MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of a file of the old format
_PROTOCOL = 1001  # second pickle


class _Storage(NamedTuple):
    dtype: np.dtype
    key: str
    count: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count elements."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def _tensor(
    storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> _Tensor:
    """Replaces the functions that rebuild a tensor; ignores gradients and hooks."""
    if type(storage) is not _Storage or {type(n) for n in (offset, *size, *stride)} - {int}:
        raise TypeError('a tensor does not consist of a storage and whole numbers')
    return _Tensor(storage, offset, size, stride)


def _parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


def _dictionary(items: Iterable[tuple[str, Any]] = ()) -> dict[str, Any]:
    """Replaces `OrderedDict`."""
    items = list(items)
    check_keys(key for key, _ in items)
    return dict(items)


_DTYPES = {
    'HalfStorage': np.dtype('<f2'),
    'FloatStorage': np.dtype('<f4'),
    'DoubleStorage': np.dtype('<f8'),
    'IntStorage': np.dtype('<i4'),
    'LongStorage': np.dtype('<i8'),
}
_ALLOWED = {
    ('collections', 'OrderedDict'): _dictionary,
    ('torch._utils', '_rebuild_tensor'): _tensor,
    ('torch._utils', '_rebuild_tensor_v2'): _tensor,
    ('torch._utils', '_rebuild_parameter'): _parameter,
} | {('torch', name): dtype for name, dtype in _DTYPES.items()}


def read_pytorch(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Returns layer name -> arrays of a `.pth` file, weight and bias first.

    Raises:
      UserError: the file is not a `.pth` file, holds other objects than tensors, is damaged, or
        exceeds the limits of `budget` or of the process that reads it.
    """
    check_file(path)
    try:
        return by_layer(run_bounded(path, _read_arrays, path))
    except UserError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise UserError(
            f'{path} cannot be read as a file of torch.save(model.state_dict(), ...) of PyTorch: '
            f'{type(error).__name__}: {error}'
        ) from error


def read_safetensors(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Does the same as `read_pytorch` for a `.safetensors` file."""
    with open_safetensors(path) as file:
        return by_layer({name: file.get_tensor(name) for name in file.keys()})


def _read_arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of a `.pth` file by name."""
    read = _read_archive if zipfile.is_zipfile(path) else _read_pickles
    tensors, storages = read(path)
    budget = Budget()
    for name, tensor in tensors.items():
        budget.add_array(name, tensor.size, tensor.storage.dtype.itemsize)
    return {name: _view(t, storages[t.storage.key]) for name, t in tensors.items()}


def _read_archive(path: pathlib.Path) -> tuple[Mapping[str, _Tensor], dict[str, np.ndarray]]:
    with zipfile.ZipFile(path) as archive:
        # PyTorch does not compress. Compressed entries are refused before they are expanded.
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError('its entries are compressed')
        (pickled,) = (name for name in archive.namelist() if name.split('/')[1:] == ['data.pkl'])
        folder = pickled.removesuffix('data.pkl')
        with archive.open(pickled) as file:
            tensors = _tensors(_unpickle(path, file))
        order = f'{folder}byteorder'
        if order in archive.namelist() and archive.read(order) != b'little':
            raise ValueError('its numbers are not little-endian')
        storages, left = {}, path.stat().st_size
        for storage in {tensor.storage for tensor in tensors.values()}:
            entry = archive.getinfo(f'{folder}data/{storage.key}')
            if entry.file_size != _length(storage):
                raise ValueError(
                    f'{entry.filename} has {entry.file_size:,} bytes, not {_length(storage):,}'
                )
            left -= entry.file_size
            if left < 0:
                raise ValueError('its storages overlap')
            storages[storage.key] = np.frombuffer(archive.read(entry), storage.dtype)
    return tensors, storages


def _read_pickles(path: pathlib.Path) -> tuple[Mapping[str, _Tensor], dict[str, np.ndarray]]:
    with path.open('rb') as file:
        if (_unpickle(path, file), _unpickle(path, file)) != (_MAGIC, _PROTOCOL):
            raise ValueError('it does not begin with the magic number and the protocol')
        if _unpickle(path, file)['little_endian'] is not True:
            raise ValueError('its numbers are not little-endian')
        tensors = _tensors(_unpickle(path, file))
        by_key = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        storages = {}
        for key in _unpickle(path, file):
            storage = by_key[_text(key)]
            count = int.from_bytes(file.read(8), 'little', signed=True)
            left = os.fstat(file.fileno()).st_size - file.tell()
            if count != storage.count or _length(storage) > left:
                raise ValueError(
                    f'the pickle claims {storage.count:,} numbers for storage {key}, but the file '
                    f'has {count:,} in {left:,} remaining bytes'
                )
            storages[key] = np.fromfile(file, storage.dtype, count)
    return tensors, storages


def _unpickle(path: pathlib.Path, file: IO[bytes]) -> Any:
    return ArrayUnpickler(path, file, _ALLOWED, _storage).load()


def _storage(identity: tuple) -> _Storage:
    """Resolves ('storage', type, key, device, count), in old files followed by a view or None."""
    tag, dtype, key, _, count, *view = identity
    is_storage = tag == 'storage' and type(count) is int and view in ([], [None])
    if not is_storage or not isinstance(dtype, np.dtype):
        shown = reprlib.repr(identity)  # of limited depth and length
        raise ValueError(f'it refers to {shown}, which is not a complete storage')
    return _Storage(dtype, _text(key), count)


def _text(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f'a name is of type {type(key).__name__} instead of str')
    return key


def _length(storage: _Storage) -> int:
    """The size of a storage in bytes."""
    if storage.count < 0:
        raise ValueError(f'storage {storage.key} claims {storage.count} numbers')
    return storage.count * storage.dtype.itemsize


def _tensors(state: Any) -> Mapping[str, _Tensor]:
    values = state.values() if isinstance(state, Mapping) else [state]
    other_types = {type(value).__name__ for value in values if not isinstance(value, _Tensor)}
    if other_types or not isinstance(state, Mapping):
        raise ValueError(
            f'it holds {", ".join(sorted(other_types)) or "a tensor"}, but must hold a dictionary '
            'of tensors'
        )
    return state


def _view(tensor: _Tensor, storage: np.ndarray) -> np.ndarray:
    """The tensor's view of its storage; refuses views that exceed the storage or repeat it."""
    size, stride = tensor.size, tensor.stride
    last = tensor.offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    least = min(tensor.offset, *size, *stride, 0)
    if least < 0 or last >= len(storage) or math.prod(size) > len(storage):
        raise ValueError(
            f'a tensor of size {size}, stride {stride} and offset {tensor.offset} does not lie in '
            f'its storage of {len(storage)} numbers'
        )
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], size, steps, writeable=False)


def by_layer(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Groups arrays `LAYER.PART` by layer, weights first, then biases, then other parts by name.

    Vision transformers of Transformers get the names that timm gives them.
    """
    layers = collections.defaultdict(dict)
    for name, array in rename_transformers(arrays).items():
        layer, _, part = name.rpartition('.')
        layers[layer or name][part] = array
    order = {'weight': 0, 'bias': 1}
    return {
        layer: [parts[part] for part in sorted(parts, key=lambda part: (order.get(part, 2), part))]
        for layer, parts in layers.items()
    }
