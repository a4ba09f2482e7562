"""Keras's weights (`.h5`), in the layout of Caffe and PyTorch."""

import pathlib

import h5py
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.layouts import REGION_SIDE

_REGIONS_DENSE = 'fc1'  # takes the last maps: rows, columns and channels in turn


def read_keras(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Kernel and bias of every layer that has some, by the layer's name.

    Kernels come back as Caffe has them: (outputs, inputs, rows, columns), dense (outputs, inputs).

    Raises:
      UserError: it is no HDF5 file, or not one of `save_weights` or `save` of Keras 1 and 2.
    """
    try:
        size = path.stat().st_size
        with h5py.File(path) as file:
            root = file['model_weights'] if 'model_weights' in file else file
            layers = {}
            for name in _names(root, 'layer_names'):
                group = root[name]
                weights = [group[weight] for weight in _names(group, 'weight_names')]
                if sum(weight.nbytes for weight in weights) > size:
                    raise ValueError(f'{name} is larger than the file')
                if weights:
                    layers[name] = _as_caffe(name, [weight[()] for weight in weights])
            return layers
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise UserError(
            f'{path} cannot be read as Keras weights: {error}; it must be one of the files .h5 '
            'that keras.applications downloads, or that save_weights of Keras 1 or 2 wrote'
        ) from error


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Keras writes strings of one length; others, if damaged, HDF5 may go on reading for ever."""
    if group.attrs.get_id(attribute).dtype == object:
        raise ValueError(f'{attribute} has strings of variable length')
    return [name.decode() for name in group.attrs[attribute]]


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
