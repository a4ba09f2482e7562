"""Reads weight files of Keras (`.h5`); converts them to the layout of Caffe and PyTorch."""

import pathlib
from collections.abc import Iterator

import h5py
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.layouts import REGION_SIDE

_REGIONS_DENSE = 'fc1'  # its inputs are the last maps, flattened as (rows, columns, channels)
_ORDER = ('kernel', 'bias')  # of the weights of a layer, by the last part of their names
_NESTING = 2  # groups within the group of a layer: LAYER/LAYER/kernel:0, or MODEL/LAYER/kernel:0


def read_keras(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Returns layer name -> kernel and bias, of the layers that have weights.

    Kernels have the layout of Caffe: (outputs, inputs, rows, columns), dense (outputs, inputs).

    Raises:
      UserError: the file is not an HDF5 file, or `save_weights` or `save` of Keras 1 or 2 did not
        write it.
    """
    try:
        size = path.stat().st_size
        with h5py.File(path) as file:
            root = _group(file, 'model_weights') if 'model_weights' in file else file
            layers = {}
            for name in _layer_names(root):
                group = _group(root, name)
                weights = _weights(group)
                if sum(weight.nbytes for weight in weights) > size:
                    raise ValueError(f'{name} is larger than the file')
                if weights:
                    layers[name] = _as_caffe(name, [weight[()] for weight in weights])
            if not layers:
                raise ValueError('none of its layers has weights')
            return layers
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise UserError(
            f'{path} cannot be read as Keras weights: {error}; it must be an .h5 file that '
            'keras.applications downloads, or that save_weights of Keras 1 or 2 wrote'
        ) from error


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


def _weights(group: h5py.Group) -> list[h5py.Dataset]:
    """The datasets of a layer, the kernel first, then the bias."""
    names = _names(group, 'weight_names')
    if names is None:
        return sorted(_datasets(group, _NESTING), key=_rank)
    return [_dataset(group, weight) for weight in names]


def _datasets(group: h5py.Group, nesting: int) -> Iterator[h5py.Dataset]:
    """The datasets in a group and, down to a depth of `nesting`, in its groups."""
    for name in group:
        item = group.get(name)
        if isinstance(item, h5py.Dataset):
            yield item
        elif isinstance(item, h5py.Group) and nesting:
            yield from _datasets(item, nesting - 1)


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
    return [name.decode() for name in names.astype(bytes)]


def _as_caffe(name: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
    kernel, *others = arrays
    if kernel.ndim == 4:
        kernel = kernel.transpose(3, 2, 0, 1)
    elif name == _REGIONS_DENSE:
        kernel = kernel.reshape(REGION_SIDE, REGION_SIDE, -1, kernel.shape[-1])
        kernel = kernel.transpose(3, 2, 0, 1)
    else:
        kernel = kernel.T
    return [kernel, *others]
