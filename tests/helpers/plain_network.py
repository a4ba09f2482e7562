"""The network in plain numpy, written from the paper, as a reference for tests.

It processes one image at a time in float64. Every score map is interpolated to the output
resolution, the maps are concatenated, and a 1x1 layer fuses them. The parameters are those of
`Network`.
"""

import jax
import numpy as np

from helpers.interpolation import interpolation_matrix
from ubernet_jax.network import Network

# name, convolutions, dilation, stride of the pooling after it
BLOCKS = [('conv1', 2, 1, 2), ('conv2', 2, 1, 2), ('conv3', 3, 1, 2), ('conv4', 3, 1, 1)]
BLOCKS += [('conv5', 3, 2, 1)]
TAPS = ('conv1_2', 'conv2_2', 'conv3_3', 'conv4_3', 'conv5_3', 'fc7')


def random_variables(network: Network, seed: int = 0) -> tuple[dict, dict]:
    """Random nonzero (params, batch statistics) of a network, with activations of magnitude 1."""
    rng = np.random.default_rng(seed)

    def draw(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        fan_in = max(20, np.prod(leaf.shape[:-1]))
        return rng.normal(2 / fan_in, np.sqrt(2 / fan_in), leaf.shape).astype(leaf.dtype)

    params, stats = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    return jax.tree.map(draw, params), jax.tree.map(lambda leaf: abs(draw(leaf)), stats)


def convolve(x: np.ndarray, layer: dict, dilation: int = 1) -> np.ndarray:
    """3x3 convolution of (H, W, C) with zero padding, as a sum over kernel positions."""
    height, width = x.shape[:2]
    kernel, bias = np.asarray(layer['kernel'], float), np.asarray(layer['bias'])
    padded = np.pad(x, [(dilation, dilation), (dilation, dilation), (0, 0)])
    result = np.zeros((height, width, len(bias))) + bias
    for row in range(3):
        for column in range(3):
            top, left = row * dilation, column * dilation
            window = padded[top : top + height, left : left + width]
            result += window @ kernel[row, column]
    return result


def pool(x: np.ndarray, stride: int, reduce: np.ufunc, outside: float) -> np.ndarray:
    """Reduces each 3x3 window of (H, W, C), padded with the value `outside`."""
    padded = np.pad(x, [(1, 1), (1, 1), (0, 0)], constant_values=outside)
    rows, columns = (range(0, side, stride) for side in x.shape[:2])
    windows = [[padded[r : r + 3, c : c + 3] for c in columns] for r in rows]
    return np.array([[reduce.reduce(window, (0, 1)) for window in row] for row in windows])


def max_pool(x: np.ndarray, stride: int) -> np.ndarray:
    return pool(x, stride, np.maximum, -np.inf)


def average_pool(x: np.ndarray, stride: int) -> np.ndarray:
    return pool(x, stride, np.add, 0) / 9


def make_pyramid(image: np.ndarray, scales: int, config) -> list[np.ndarray]:
    """Maps an image uint8 (H, W, 3) to the trunk's input at each scale."""
    full = (image - np.array(config.mean)) / np.array(config.std)
    return [full, average_pool(full, 2), average_pool(full, 4)][:scales]


def trunk(x: np.ndarray, params: dict) -> dict[str, np.ndarray]:
    """Maps the trunk's input to the activations of its six taps, not normalised."""
    taps = {}
    for name, convolutions, dilation, stride in BLOCKS:
        for index in range(1, convolutions + 1):
            x = np.maximum(convolve(x, params[name][f'{name}_{index}'], dilation), 0)
        taps[f'{name}_{convolutions}'] = x
        x = max_pool(x, stride)
    fc6, fc7 = params['fc']['fc6'], params['fc']['fc7']
    x = np.maximum(convolve(average_pool(x, 1), fc6, dilation=12), 0)
    taps['fc7'] = np.maximum(x @ fc7['kernel'] + fc7['bias'], 0)
    return taps


def normalise(
    taps: dict[str, np.ndarray], stats: dict, level: int, epsilon: float
) -> dict[str, np.ndarray]:
    """Normalises taps by the level's running statistics, times 10; not for fc7."""
    result = {}
    for name, x in taps.items():
        if name != 'fc7':
            norm = stats[name.split('_')[0]][f'norm_{level}']
            x = 10 * (x - norm['mean']) / np.sqrt(norm['variance'] + epsilon)
        result[name] = x
    return result


def interpolate(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolates (H, W, C) to `size`, with aligned corners."""
    rows, columns = (interpolation_matrix(s, t) for s, t in zip(x.shape[:2], size, strict=True))
    return np.einsum('hy,wx,yxc->hwc', rows, columns, x)


def fuse(maps: list[np.ndarray], params: dict) -> np.ndarray:
    """Applies the 1x1 layer to the concatenated maps."""
    channels = len(params['bias'])
    return np.concatenate(maps, -1) @ params['kernel'].reshape(-1, channels) + params['bias']


def head(levels: list[dict], params: dict, size: tuple[int, int]) -> list[np.ndarray]:
    """Maps the skips of every level to score maps of `size`: one per level, then the fused map."""
    maps = []
    for skips in levels:
        scores = [skips[tap] @ params[tap]['kernel'] + params[tap]['bias'] for tap in TAPS]
        maps.append(fuse([interpolate(x, size) for x in scores], params['fuse_skips']))
    return maps if len(maps) == 1 else [*maps, fuse(maps, params['fuse_scales'])]
