"""Files of weights that are not what their kind is: refused, with the layer's name."""

import numpy as np
import pytest

from helpers import caffe_network, weight_files
from helpers.caffe_network import CHANNELS, WIDE, Draw
from ubernet_jax.errors import UserError
from ubernet_jax.weights.importing import import_layers
from ubernet_jax.weights.kinds import KINDS, open_source


def test_a_tied_layer_that_is_no_copy_is_refused(tmp_path):
    layers = caffe_network.release(Draw(7), CHANNELS, 64, WIDE)
    layers['conv2_1_RS4'] = [layers['conv2_1'][0], layers['conv2_1'][1] + 1]
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    with pytest.raises(UserError, match='conv2_1_RS4 is not equal to conv2_1, to which it is tied'):
        open_source(str(path))


@pytest.mark.parametrize('kind', KINDS)
def test_a_file_of_another_kind_is_refused(kind, tmp_path):
    """Each kind against a file of every other one that it could be taken for."""
    path = weight_files.write_pytorch(tmp_path / 'a.pth', {'stage1.conv1': Draw(0)(2, 3, 3, 3)})
    with pytest.raises(UserError, match=f'is not of the kind {kind}: it has no layer .*stage1.c'):
        open_source(str(path), kind)
    with pytest.raises(UserError, match='of no known kind: its layers are stage1.conv1'):
        open_source(str(path))


def test_vgg_with_batch_normalisation_is_refused(tmp_path):
    """Its layers have other numbers: features.3 is the second convolution."""
    layers = {f'features.{n}': Draw(0)(2, 3, 3, 3) for n in (0, 3, 7, 10, 14, 17, 20)}
    path = weight_files.write_pytorch(tmp_path / 'a.pth', layers)
    with pytest.raises(UserError, match=r'is not of the kind torchvision: .* features\.2, feat'):
        open_source(str(path))


@pytest.mark.parametrize(
    ('name', 'arrays', 'message'),
    [
        ('conv3_2', [np.ones((16, 16, 3)), np.ones(16)], r'conv3_2 has arrays \(16, 16, 3\) \(16,'),
        ('conv3_2', [np.ones((16, 16, 3, 3))], r'cannot become params/shared/trunk/conv3/conv3_2'),
        ('fc6', [np.ones((WIDE, 32 * 9)), np.ones(WIDE)], 'of another kind than ilsvrc'),
        ('fc7', [np.ones((7, WIDE)), np.ones(5)], 'fc7 has arrays'),
        ('conv1_1', [np.full((4, 3, 3, 3), np.nan), np.ones(4)], 'values that are not finite'),
    ],
)
def test_a_layer_of_another_shape_is_refused(name, arrays, message, tmp_path):
    layers = caffe_network.vgg(seed=1) | {name: arrays}
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    with pytest.raises(UserError, match=message):
        import_layers([open_source(str(path))])


def test_running_statistics_without_a_factor_are_refused(tmp_path):
    layers = caffe_network.release(Draw(6), CHANNELS, 64, WIDE)
    layers['BN_pre_conv1_2'][2][:] = 0
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    with pytest.raises(UserError, match='BN_pre_conv1_2 .*statistics without a factor'):
        import_layers([open_source(str(path))])
