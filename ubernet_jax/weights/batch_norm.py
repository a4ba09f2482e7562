"""Batch normalisation with fixed statistics as part of the convolution before it."""

from collections.abc import Mapping

import numpy as np

EPSILON = 1e-5  # added to the variance, as PyTorch does

Layers = dict[str, list[np.ndarray]]


def fold(layers: Layers, normalisations: Mapping[str, str]) -> Layers:
    """The layers of a network of PyTorch with each normalisation merged into its convolution.

    Args:
      layers: arrays by layer: of a convolution its kernel (outputs, inputs, rows, columns); of a
        normalisation scale, shift, number of batches (absent in old files), mean and variance.
      normalisations: name of a convolution -> of the normalisation after it.

    Raises:
      ValueError: a normalisation is missing or has other arrays; the layer is named.
    """
    folded = {
        name: arrays for name, arrays in layers.items() if name not in normalisations.values()
    }
    for convolution, normalisation in normalisations.items():
        try:
            (kernel,) = layers[convolution]
            scale, shift, *_, mean, variance = layers[normalisation]
            factor = scale / np.sqrt(variance + EPSILON)
            kernel = kernel * factor.reshape(-1, 1, 1, 1)
        except (KeyError, ValueError) as error:
            raise ValueError(
                f'{normalisation} does not normalise {convolution}: {error}'
            ) from error
        folded[convolution] = [kernel, shift - mean * factor]
    return folded
