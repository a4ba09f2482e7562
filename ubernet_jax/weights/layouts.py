"""Converts arrays of a layer from Caffe's layout to parameters of the network.

Caffe and PyTorch store kernels as (outputs, inputs, rows, columns) and dense layers as (outputs,
inputs); old files of Caffe prepend dimensions of size 1. Flax stores (rows, columns, inputs,
outputs) and (inputs, outputs). Each function takes the arrays of a layer and returns parameters by
name, as views where possible. A ValueError means that the arrays do not belong to such a layer.
"""

from collections.abc import Sequence

import numpy as np

from ubernet_jax.models.detection import DELTA_STD

REGION_SIDE = 7  # rows and columns of a region after RoI pooling

Arrays = Sequence[np.ndarray]
Parameters = dict[str, np.ndarray]


def convolution(arrays: Arrays) -> Parameters:
    """Converts a convolution."""
    kernel, bias = arrays
    return {'kernel': kernel.transpose(2, 3, 1, 0), 'bias': bias.ravel()}


def bgr_convolution(arrays: Arrays) -> Parameters:
    """Converts the first convolution of a BGR network to RGB input."""
    layer = convolution(arrays)
    return layer | {'kernel': layer['kernel'][:, :, ::-1]}


def dense(arrays: Arrays) -> Parameters:
    """Converts a dense layer or a 1x1 convolution to a dense layer."""
    kernel, bias = arrays
    return {'kernel': kernel.reshape(bias.size, -1).T, 'bias': bias.ravel()}


def regions_dense(arrays: Arrays) -> Parameters:
    """Converts the dense layer on pooled regions from channels-first to channels-last inputs."""
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1, REGION_SIDE, REGION_SIDE).transpose(2, 3, 1, 0)
    return {'kernel': kernel.reshape(-1, bias.size), 'bias': bias.ravel()}


def proposal_scores(arrays: Arrays) -> Parameters:
    """Converts the layer of the anchors' scores.

    Caffe's outputs are the background scores of all anchors, then the object scores of all; ours
    are (background, object) for each anchor in turn.
    """
    layer = dense(arrays)
    kernel = layer['kernel'].reshape(len(layer['kernel']), 2, -1).swapaxes(1, 2)
    bias = layer['bias'].reshape(2, -1).T
    return {'kernel': kernel.reshape(len(kernel), -1), 'bias': bias.ravel()}


def box_deltas(arrays: Arrays) -> Parameters:
    """Converts the layer of the box deltas; undoes py-faster-rcnn's scaling by their deviation."""
    layer = dense(arrays)
    std = np.tile(np.asarray(DELTA_STD, np.float32), layer['bias'].size // len(DELTA_STD))
    return {'kernel': layer['kernel'] / std[None], 'bias': layer['bias'] / std}


def fusion(arrays: Arrays) -> Parameters:
    """Converts a 1x1 convolution over concatenated maps with as many channels as it has outputs."""
    kernel, bias = arrays
    kernel = kernel.reshape(bias.size, -1, bias.size)  # (outputs, maps, inputs)
    return {'kernel': kernel.transpose(1, 2, 0), 'bias': bias.ravel()}


def statistics(arrays: Arrays) -> Parameters:
    """Converts Caffe's running sums of mean and variance by dividing them by their factor."""
    mean, variance, factor = (array.ravel() for array in arrays)
    if factor.size != 1 or factor[0] == 0:
        raise ValueError('running statistics without a factor')
    return {
        'mean': mean / factor[0],
        'variance': variance / factor[0],
        # Enough batches that training continues to average with its full momentum.
        'batches': np.array(99, np.float32),
    }
