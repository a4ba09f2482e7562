"""VGG-16 and its heads in plain numpy, in Caffe's layout (channels, rows, columns).

A reference for imported weights, and random weights for the networks that can be imported.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

WIDTH = 1 / 16
CHANNELS = {
    'conv1_1': (3, 4), 'conv1_2': (4, 4), 'conv2_1': (4, 8), 'conv2_2': (8, 8),
    'conv3_1': (8, 16), 'conv3_2': (16, 16), 'conv3_3': (16, 16), 'conv4_1': (16, 32),
    'conv4_2': (32, 32), 'conv4_3': (32, 32), 'conv5_1': (32, 32), 'conv5_2': (32, 32),
    'conv5_3': (32, 32),
}  # fmt: skip
TAPS = ('conv1_2', 'conv2_2', 'conv3_3', 'conv4_3', 'conv5_3', 'fc7')
FIELD = 64  # channels of the large-field fc6 and fc7
WIDE = 256  # channels of VGG's original fc6 and fc7
TASK_CODES = {'edg': 2, 'nrm': 3, 'sal': 2, 'seg': 21, 'sbd': 21, 'prt': 7}

Layers = dict[str, list[np.ndarray]]


class Draw:
    """Draws random nonzero layers.

    Their mean of `mean` deviations makes most activations positive, and large after many layers;
    with 0 their magnitude stays near 1, so that a network can be trained.
    """

    def __init__(self, seed: int, mean: float = 1 / 3):
        self._rng, self._mean = np.random.default_rng(seed), mean

    def __call__(self, outputs: int, *inputs: int) -> list[np.ndarray]:
        std = np.sqrt(2 / np.prod(inputs))
        kernel = self._rng.normal(self._mean * std, std, (outputs, *inputs))
        bias = self._rng.normal(0.1, 0.3, outputs)
        return [kernel.astype(np.float32), bias.astype(np.float32)]


def convolutions(draw: Draw) -> Layers:
    return {name: draw(after, before, 3, 3) for name, (before, after) in CHANNELS.items()}


def vgg(seed: int, mean: float = 1 / 3) -> Layers:
    """The classification network of ILSVRC: 13 convolutions and three dense layers."""
    draw = Draw(seed, mean)
    dense = {'fc6': draw(WIDE, 32 * 49), 'fc7': draw(WIDE, WIDE), 'fc8': draw(10, WIDE)}
    return convolutions(draw) | dense


def faster_rcnn(seed: int, anchors: int = 12) -> Layers:
    draw = Draw(seed)
    return {
        **convolutions(draw),
        'rpn_conv/3x3': draw(32, 32, 3, 3),
        'rpn_cls_score': draw(2 * anchors, 32, 1, 1),
        'rpn_bbox_pred': draw(4 * anchors, 32, 1, 1),
        'fc6': draw(WIDE, 32 * 49),
        'fc7': draw(WIDE, WIDE),
        'cls_score': draw(21, WIDE),
        'bbox_pred': draw(84, WIDE),
    }


def deeplab(seed: int) -> Layers:
    draw = Draw(seed)
    return {
        **convolutions(draw),
        'fc6': draw(FIELD, 32, 3, 3),
        'fc7': draw(FIELD, FIELD, 1, 1),
        'fc8_voc12': draw(21, FIELD, 1, 1),
    }


def convolve(x: np.ndarray, layer: list[np.ndarray], dilation: int = 1) -> np.ndarray:
    kernel, bias = layer
    reach = dilation * (kernel.shape[-1] // 2)
    padded = np.pad(x, [(0, 0), (reach, reach), (reach, reach)])
    windows = sliding_window_view(padded, (2 * reach + 1,) * 2, (1, 2))[..., ::dilation, ::dilation]
    return np.einsum('chwij,ocij->ohw', windows, kernel, optimize=True) + bias[:, None, None]


def pool(x: np.ndarray, stride: int, outside: float) -> np.ndarray:
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1)], constant_values=outside)
    return sliding_window_view(padded, (3, 3), (1, 2))[:, ::stride, ::stride]


def taps(x: np.ndarray, layers: Layers, suffix: str = '') -> dict[str, np.ndarray]:
    """Activations of the taps, for the network with the large-field `fc6` and `fc7`."""
    activations = {}
    for name in CHANNELS:
        x = np.maximum(convolve(x, layers[name], 2 if name.startswith('conv5') else 1), 0)
        if name in TAPS:
            activations[name] = x
            x = pool(x, 2 if name < 'conv4' else 1, -np.inf).max((-1, -2))
    x = pool(x, 1, 0).mean((-1, -2))
    x = np.maximum(convolve(x, layers['fc6'], 12), 0)
    activations['fc7'] = np.maximum(convolve(x, layers['fc7']), 0)
    return activations


def release(draw, channels: dict, field: int, wide: int) -> Layers:
    """The layers of the author's caffemodel, named as in its definition for testing."""
    deepest = channels['conv5_3'][1]
    layers = {name: draw(after, before, 3, 3) for name, (before, after) in channels.items()}
    layers['fc6_conv'] = draw(field, deepest, 3, 3)
    layers['fc7_conv'] = draw(field, field, 1, 1)
    depths = [channels[tap][1] for tap in TAPS[:-1]] + [field]
    for code, count in TASK_CODES.items():
        for number, depth in enumerate(depths, 1):
            layers[f'score_{code}_{number}_0_hole0'] = draw(count, depth, 1, 1)
        layers[f'upscore-fuse-{code}__00'] = draw(count, 6 * count, 1, 1)
    tied = list(layers)
    for code, count in TASK_CODES.items():
        layers[f'upscore-fuse-mr-{code}'] = draw(count, 3 * count, 1, 1)
    for suffix in ('_RS2', '_RS4'):
        for name in tied:
            inside = name.startswith('score')
            copy = name.replace('_0_hole0', f'{suffix}_0_hole0') if inside else name + suffix
            layers[copy] = layers[name]
    for suffix in ('', '_RS2', '_RS4'):
        for tap, depth in zip(TAPS[:-1], depths[:-1], strict=True):
            mean, variance = abs(draw(depth, 1)[0].ravel()), abs(draw(depth, 1)[0].ravel())
            layers[f'BN_pre_{tap}{suffix}'] = [mean, variance, np.float32([0.25])]
    return layers | {
        'rpn_conv/3x3': draw(deepest, deepest, 3, 3),
        'rpn_cls_score': draw(24, deepest, 1, 1),
        'rpn_bbox_pred': draw(48, deepest, 1, 1),
        'fc6_det_0_0': draw(wide, deepest * 49),
        'fc7_det_0_0': draw(wide, wide),
        'fc8_det_0_0': draw(21, wide),
        'bbox_pred': draw(84, wide),
    }
