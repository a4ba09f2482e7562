"""Converts fc6 and fc7 of VGG to the smaller convolutions of DeepLab-LargeFOV by decimation.

Paper, section 2, and its release: the 7x7 kernel of fc6 keeps its taps 0, 3 and 6 along each axis,
and a dilation restores their distances; fc6 and fc7 keep every fourth channel.
"""

from ubernet_jax.weights.layouts import REGION_SIDE, Arrays, Parameters, convolution, dense

_TAP_STEP = 3
_CHANNEL_STEP = 4


def large_field_fc6(arrays: Arrays) -> Parameters:
    """Converts fc6 (4096, 512 * 7 * 7) to a 3x3 convolution with 1024 channels."""
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1, REGION_SIDE, REGION_SIDE)
    kernel = kernel[::_CHANNEL_STEP, :, ::_TAP_STEP, ::_TAP_STEP]
    return convolution([kernel, bias.ravel()[::_CHANNEL_STEP]])


def large_field_fc7(arrays: Arrays) -> Parameters:
    """Converts fc7 (4096, 4096) to a 1x1 convolution with 1024 channels.

    Only a quarter of its inputs remains, so the weights (not the biases) are multiplied by 4.
    """
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1)[::_CHANNEL_STEP, ::_CHANNEL_STEP] * _CHANNEL_STEP
    return dense([kernel, bias.ravel()[::_CHANNEL_STEP]])
