"""Recognises relatives of VGG-16 and ResNet-50: networks whose layers have the same names.

ResNet-101 has every layer of ResNet-50, and VGG-19 in Caffe's and Keras's names every layer of
VGG-16. A file is that of a trunk only if it has no further layers of such a trunk, and no wider or
grouped convolutions. Names and sizes: arXiv 1409.1556 (VGG), 1512.03385 (ResNet), 1605.07146 (wide
ResNet), 1611.05431 (ResNeXt), and torchvision.
"""

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ubernet_jax.config import Trunk
from ubernet_jax.models.vit_specs import VITS

# Names of layers of a trunk, also of those that the importable trunk lacks.
CAFFE_LAYERS = re.compile(
    r'conv[1-5]_\d+([_/](bn|scale|batch_?norm))?|(bn|scale)_?[1-5]_\d+', re.IGNORECASE
)
TORCH_VGG_LAYERS = re.compile(r'features\.\d+')
TORCH_RESNET_LAYERS = re.compile(r'(conv|bn)1(\..+)?|layer\d+\..+')
KERAS_LAYERS = re.compile(r'block\d+_(conv|bn|batch_?normalization)\w*')
LPIPS_LAYERS = re.compile(r'Conv_\d+')

NAMES = {trunk: trunk.value for trunk in Trunk}
NAMES |= {Trunk.VGG16: 'VGG-16', Trunk.RESNET50: 'ResNet-50'}
_VGGS = {8: 'VGG-11', 10: 'VGG-13', 13: 'VGG-16', 16: 'VGG-19'}  # by number of convolutions
# Blocks of each stage -> depth with bottlenecks (three convolutions), depth with two convolutions.
_DEPTHS: dict[tuple[int, ...], tuple[int, int]] = {
    (2, 2, 2, 2): (26, 18),
    (3, 4, 6, 3): (50, 34),
    (3, 4, 23, 3): (101, 68),
    (3, 8, 36, 3): (152, 102),
}

Layers = Mapping[str, Sequence[np.ndarray]]


def find_surplus(stored: Layers, pattern: re.Pattern[str], known: Collection[str]) -> list[str]:
    """Returns the layers that are named like layers of a trunk but are not among the known."""
    return [name for name in stored if pattern.fullmatch(name) and name not in known]


def name_network(stored: Layers, pattern: re.Pattern[str], trunk: Trunk) -> str:
    """Names the network of a file by the number and the sizes of its layers.

    Args:
      stored: layer name -> arrays of the file.
      pattern: matches the names of layers of its trunk.
      trunk: the trunk whose relatives have such names.

    Returns:
      A name such as `ResNet-101` or `VGG-16 with batch normalisation`, or for other networks a
      description by their numbers of layers.
    """
    if trunk is Trunk.RESNET50:
        return _name_resnet(stored)
    layers = [name for name in stored if pattern.fullmatch(name)]
    if trunk in VITS:
        return f'a network of {len(layers)} such layers'
    # Old files of Caffe store all arrays in four dimensions, of which the first ones are 1.
    count = sum(_kernel(stored, name)[:1] > (1,) for name in layers)
    suffix = ' with batch normalisation' if count < len(layers) else ''
    return _VGGS.get(count, f'a network of {count} convolutions') + suffix


def _name_resnet(stored: Layers) -> str:
    blocks = [
        len({name.split('.')[1] for name in stored if name.startswith(f'layer{stage}.')})
        for stage in (1, 2, 3, 4)
    ]
    bottleneck = 'layer1.0.conv3' in stored
    if tuple(blocks) not in _DEPTHS:
        return f'a ResNet with {", ".join(map(str, blocks))} blocks in its stages'
    depth = _DEPTHS[tuple(blocks)][0 if bottleneck else 1]
    stem, first, second = (
        _kernel(stored, name) for name in ('conv1', 'layer1.0.conv1', 'layer1.0.conv2')
    )
    if not bottleneck or not stem or not first or not second:
        return f'ResNet-{depth}'
    groups = first[0] // max(1, second[1])
    if groups > 1:
        return f'ResNeXt-{depth} {groups}x{second[1]}d'
    return f'Wide-ResNet-{depth}' if first[0] > stem[0] else f'ResNet-{depth}'


def _kernel(stored: Layers, name: str) -> tuple[int, ...]:
    """Shape (outputs, inputs, rows, columns) of a convolution's kernel; () if it has none."""
    shape = np.shape(stored[name][0]) if stored.get(name) else ()
    return shape if len(shape) == 4 else ()
