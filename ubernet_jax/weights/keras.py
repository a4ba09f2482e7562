"""Reads weight files of Keras (`.h5`); converts them to the layout of Caffe and PyTorch."""

import pathlib

import numpy as np

from ubernet_jax.bounded_process import run_bounded
from ubernet_jax.errors import UserError
from ubernet_jax.weights.budget import check_file
from ubernet_jax.weights.keras_arrays import read_arrays
from ubernet_jax.weights.layouts import REGION_SIDE

_REGIONS_DENSE = 'fc1'  # its inputs are the last maps, flattened as (rows, columns, channels)


def read_keras(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Returns layer name -> kernel and bias, of the layers that have weights.

    Kernels have the layout of Caffe: (outputs, inputs, rows, columns), dense (outputs, inputs).

    Raises:
      UserError: the file is not an HDF5 file, or `save_weights` or `save` of Keras 1 or 2 did not
        write it, or it exceeds the limits of `budget` or of the process that reads it.
    """
    check_file(path)
    try:
        layers = run_bounded(path, read_arrays, path)
        return {name: _as_caffe(name, arrays) for name, arrays in layers.items()}
    except UserError:
        raise
    except Exception as error:  # h5py raises exceptions of many types on a damaged file
        raise UserError(
            f'{path} cannot be read as Keras weights: {type(error).__name__}: {error}; it must be '
            'an .h5 file that keras.applications downloads, or that save_weights of Keras 1 or 2 '
            'wrote'
        ) from error


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
