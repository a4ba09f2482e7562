"""How the arrays of a layer in Caffe's layout become parameters of the network.

Caffe and PyTorch keep kernels as (outputs, inputs, rows, columns) and dense layers as (outputs,
inputs), with ones in front in old files of Caffe; Flax keeps (rows, columns, inputs, outputs) and
(inputs, outputs). Each function takes the arrays of one layer and returns parameters by name, as
views where it can. A ValueError means that the arrays are not of such a layer.
"""

from collections.abc import Sequence

import numpy as np

from ubernet_jax.models.detection import DELTA_STD

REGION_SIDE = 7  # rows and columns of what RoI pooling makes of a region

Arrays = Sequence[np.ndarray]
Parameters = dict[str, np.ndarray]


def convolution(arrays: Arrays) -> Parameters:
    """Kernel and bias of a convolution."""
    kernel, bias = arrays
    return {'kernel': kernel.transpose(2, 3, 1, 0), 'bias': bias.ravel()}


def bgr_convolution(arrays: Arrays) -> Parameters:
    """The first convolution of a network for blue, green, red; ours takes red, green, blue."""
    layer = convolution(arrays)
    return layer | {'kernel': layer['kernel'][:, :, ::-1]}


def dense(arrays: Arrays) -> Parameters:
    """A dense layer, or a 1x1 convolution."""
    kernel, bias = arrays
    return {'kernel': kernel.reshape(bias.size, -1).T, 'bias': bias.ravel()}


def regions_dense(arrays: Arrays) -> Parameters:
    """The dense layer on pooled regions, whose inputs are channels first there, last here."""
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1, REGION_SIDE, REGION_SIDE).transpose(2, 3, 1, 0)
    return {'kernel': kernel.reshape(-1, bias.size), 'bias': bias.ravel()}


def proposal_scores(arrays: Arrays) -> Parameters:
    """Scores of anchors: background of all, then thing of all; here both of each anchor in turn."""
    layer = dense(arrays)
    kernel = layer['kernel'].reshape(len(layer['kernel']), 2, -1).swapaxes(1, 2)
    bias = layer['bias'].reshape(2, -1).T
    return {'kernel': kernel.reshape(len(kernel), -1), 'bias': bias.ravel()}


def box_deltas(arrays: Arrays) -> Parameters:
    """Deltas of boxes, which py-faster-rcnn multiplies by their deviation when it saves them."""
    layer = dense(arrays)
    std = np.tile(np.float32(DELTA_STD), layer['bias'].size // len(DELTA_STD))
    return {'kernel': layer['kernel'] / std[None], 'bias': layer['bias'] / std}


def fusion(arrays: Arrays) -> Parameters:
    """A 1x1 convolution over concatenated maps of as many channels as it has outputs."""
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1, bias.size)  # (outputs, maps, inputs)
    return {'kernel': kernel.transpose(1, 2, 0), 'bias': bias.ravel()}


def statistics(arrays: Arrays) -> Parameters:
    """Caffe's running sums of mean and variance, and the factor that they are divided by."""
    mean, variance, factor = (array.ravel() for array in arrays)
    if factor.size != 1 or factor[0] == 0:
        raise ValueError('running statistics without a factor')
    return {
        'mean': mean / factor[0],
        'variance': variance / factor[0],
        # So many batches that training goes on averaging with its full momentum.
        'batches': np.float32(99),
    }
