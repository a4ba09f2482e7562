"""How often an epoch shows the images of the datasets, by temperature (`data.temperature`)."""

from collections.abc import Sequence

import numpy as np


def rescale(samples: Sequence[int], temperature: float) -> np.ndarray:
    """Brings the numbers of samples of the datasets nearer to each other.

    The share of a dataset in the result is proportional to samples ** (1 / temperature), as in
    multilingual translation (arXiv 1907.05019); the sum stays the same.

    Args:
      samples: of each dataset in an epoch, if the temperature is 1.
      temperature: 1 changes nothing; the larger, the more equal the datasets become.

    Returns:
      float64 (n,), the factor on the samples of each dataset.
    """
    sizes = np.array(samples, float)
    wanted = sizes ** (1 / temperature)
    return sizes.sum() / wanted.sum() * wanted / np.maximum(sizes, 1)


def round_to_sum(wanted: np.ndarray) -> np.ndarray:
    """Rounds numbers to integers of the same sum, each at least 1 (largest remainders).

    The sum is larger only if many are below 1.
    """
    rounded = np.maximum(1, np.floor(wanted + 1e-6)).astype(int)
    missing = max(0, round(wanted.sum()) - rounded.sum())
    rounded[np.argsort(rounded - wanted, kind='stable')[:missing]] += 1
    return rounded
