"""Reads the arrays of a weight file of Keras; imports no JAX, because another process calls it."""

import math
import pathlib
from collections.abc import Iterator

import h5py
import numpy as np

from ubernet_jax.weights.budget import Budget

_ORDER = ('kernel', 'bias')  # of the weights of a layer, by the last part of their names
_ITEMS = 5000  # groups and datasets at most; HDF5 takes 0.3 ms for each
_NESTING = 2  # groups within the group of a layer: LAYER/LAYER/kernel:0, or MODEL/LAYER/kernel:0


def read_arrays(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Returns layer name -> kernel and bias as Keras stores them, of the layers that have weights.

    HDF5 may read a damaged file forever: call this through `run_bounded`.

    Raises:
      Exception: of many types, if the file is damaged or not a weight file of Keras.
    """
    budget, left = Budget(_ITEMS), path.stat().st_size
    layers = {}
    with h5py.File(path) as file:
        root = _group(file, 'model_weights') if 'model_weights' in file else file
        for name in _layer_names(root):
            weights = _weights(_group(root, name), budget)
            for weight in weights:
                _check(weight, file)
                budget.add_array(name, weight.shape, weight.dtype.itemsize)
            left -= sum(map(_largest_read, weights))
            if left < 0:
                raise ValueError(f'the layers up to {name} are larger than the file')
            if weights:
                layers[name] = [weight[()] for weight in weights]
    if not layers:
        raise ValueError('none of its layers has weights')
    return layers


def _check(weight: h5py.Dataset, file: h5py.File) -> None:
    """Refuses what Keras does not write: other values than numbers, and values in other files."""
    if weight.dtype.kind not in 'fiu' or weight.shape is None:
        raise ValueError(f'{weight.name} does not hold numbers')
    if weight.is_virtual or weight.external or weight.file.filename != file.filename:
        raise ValueError(f'{weight.name} is stored in another file')


def _largest_read(weight: h5py.Dataset) -> int:
    """Bytes that HDF5 allocates: the array, or a chunk of it, which may be larger."""
    return max(weight.nbytes, math.prod(weight.chunks or ()) * weight.dtype.itemsize)


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    group = parent[name]
    if not isinstance(group, h5py.Group):
        raise ValueError(f'{name} is not a group')
    return group


def _dataset(parent: h5py.Group, name: str) -> h5py.Dataset:
    dataset = parent[name]
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f'{name} is not a dataset')
    return dataset


def _layer_names(root: h5py.Group) -> list[str]:
    names = _names(root, 'layer_names')
    if names is None:
        return [str(name) for name in root if isinstance(root.get(name), h5py.Group)]
    return names


def _weights(group: h5py.Group, budget: Budget) -> list[h5py.Dataset]:
    """The datasets of a layer, the kernel first, then the bias."""
    budget.add_part()
    names = _names(group, 'weight_names')
    if names is None:
        return sorted(_datasets(group, _NESTING, budget), key=_rank)
    return [_dataset(group, weight) for weight in names]


def _datasets(group: h5py.Group, nesting: int, budget: Budget) -> Iterator[h5py.Dataset]:
    """The datasets in a group and, down to a depth of `nesting`, in its groups."""
    for name in group:
        budget.add_part()
        item = group.get(name)
        if isinstance(item, h5py.Dataset):
            yield item
        elif isinstance(item, h5py.Group) and nesting:
            yield from _datasets(item, nesting - 1, budget)


def _rank(weight: h5py.Dataset) -> tuple[int, str]:
    """Sorts the weights of a layer as Keras lists them; kernel and bias are the ones we need."""
    name = str(weight.name).rpartition('/')[-1].partition(':')[0]
    return _ORDER.index(name) if name in _ORDER else len(_ORDER), name


def _names(group: h5py.Group, attribute: str) -> list[str] | None:
    """The names in an attribute of fixed-length strings; None if their length is variable.

    Keras 2 wrote fixed-length strings through h5py 2, and strings of variable length through h5py
    3. HDF5 may read damaged strings of variable length without end, so these are not read: the
    groups and datasets have the same names.
    """
    if group.attrs.get_id(attribute).dtype == object:
        return None
    names = group.attrs[attribute]
    if not isinstance(names, np.ndarray):
        raise ValueError(f'{attribute} is not an array')
    decoded = [name.decode() for name in names.astype(bytes)]
    if len(set(decoded)) < len(decoded):
        raise ValueError(f'{attribute} repeats a name')
    return decoded
