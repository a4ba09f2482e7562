"""Reads weight files of Keras (`.h5`); converts them to the layout of Caffe and PyTorch."""

import pathlib

import h5py
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.layouts import REGION_SIDE

_REGIONS_DENSE = 'fc1'  # its inputs are the last maps, flattened as (rows, columns, channels)


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
            for name in _names(root, 'layer_names'):
                group = _group(root, name)
                weights = [_dataset(group, weight) for weight in _names(group, 'weight_names')]
                if sum(weight.nbytes for weight in weights) > size:
                    raise ValueError(f'{name} is larger than the file')
                if weights:
                    layers[name] = _as_caffe(name, [weight[()] for weight in weights])
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


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """The names in an attribute of fixed-length strings, as Keras writes them.

    Strings of variable length are refused: HDF5 may read damaged ones without end.
    """
    if group.attrs.get_id(attribute).dtype == object:
        raise ValueError(f'{attribute} has strings of variable length')
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
