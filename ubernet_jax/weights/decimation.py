"""VGG's fc6 and fc7 as the smaller convolutions with a large field of view (DeepLab-LargeFOV).

Paper, section 2, and its release: of fc6's 7x7 kernel the taps 0, 3 and 6 stay, which a dilation
spreads out again, and every fourth channel of fc6 and fc7.
"""

from ubernet_jax.weights.layouts import REGION_SIDE, Arrays, Parameters, convolution, dense

_TAP_STEP = 3
_CHANNEL_STEP = 4


def large_field_fc6(arrays: Arrays) -> Parameters:
    """fc6 (4096, 512 * 7 * 7) as a 3x3 convolution of 1024 channels."""
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1, REGION_SIDE, REGION_SIDE)
    kernel = kernel[::_CHANNEL_STEP, :, ::_TAP_STEP, ::_TAP_STEP]
    return convolution([kernel, bias.ravel()[::_CHANNEL_STEP]])


def large_field_fc7(arrays: Arrays) -> Parameters:
    """fc7 (4096, 4096) as a 1x1 convolution of 1024 channels.

    A quarter of its inputs is left: the weights are multiplied by 4, the biases are not.
    """
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1)[::_CHANNEL_STEP, ::_CHANNEL_STEP] * _CHANNEL_STEP
    return dense([kernel, bias.ravel()[::_CHANNEL_STEP]])
