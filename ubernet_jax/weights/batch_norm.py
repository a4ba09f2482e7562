"""Folds batch normalisations with fixed statistics into the convolutions before them."""

from collections.abc import Mapping

import numpy as np

EPSILON = 1e-5  # added to the variance, as PyTorch does

Layers = dict[str, list[np.ndarray]]


def fold(layers: Layers, normalisations: Mapping[str, str]) -> Layers:
    """Returns the layers of a PyTorch network with each normalisation folded into its convolution.

    Args:
      layers: layer name -> arrays. A convolution has its kernel (outputs, inputs, rows, columns);
        a normalisation has scale, shift, number of batches (absent in old files), mean and
        variance.
      normalisations: name of a convolution -> name of the normalisation after it.

    Raises:
      ValueError: a normalisation is missing or has other arrays; the message names the layer.
    """
    folded = {
        name: arrays for name, arrays in layers.items() if name not in normalisations.values()
    }
    for convolution, normalisation in normalisations.items():
        try:
            (kernel,) = layers[convolution]
            scale, shift, *_, mean, variance = layers[normalisation]
            # Shapes that differ might be broadcast to an array of any size.
            shapes = {array.shape for array in (scale, shift, mean, variance)}
            if kernel.ndim != 4 or shapes != {kernel.shape[:1]}:
                raise ValueError(f'a kernel {kernel.shape} with arrays {sorted(shapes)}')
            factor = scale / np.sqrt(variance + EPSILON)
            kernel = kernel * factor.reshape(-1, 1, 1, 1)
        except (KeyError, ValueError) as error:
            raise ValueError(
                f'{normalisation} does not normalise {convolution}: {error}'
            ) from error
        folded[convolution] = [kernel, shift - mean * factor]
    return folded
