"""Weight files that do not have their format are refused; the message names the layer."""

import numpy as np
import pytest

from helpers import caffe_network, weight_files
from helpers.caffe_network import CHANNELS, WIDE, Draw
from ubernet_jax.errors import UserError
from ubernet_jax.weights.formats import FORMATS
from ubernet_jax.weights.importing import import_layers
from ubernet_jax.weights.opening import open_source


def test_a_tied_layer_that_is_not_a_copy_is_refused(tmp_path):
    layers = caffe_network.release(Draw(7), CHANNELS, 64, WIDE)
    layers['conv2_1_RS4'] = [layers['conv2_1'][0], layers['conv2_1'][1] + 1]
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    with pytest.raises(UserError, match=r'a\.caffemodel.*conv2_1_RS4.*conv2_1'):
        open_source(str(path))


@pytest.fixture
def unknown(tmp_path) -> str:
    """A PyTorch file with a layer that no format has."""
    layers = {'stage1.conv1': Draw(0)(2, 3, 3, 3)}
    return str(weight_files.write_pytorch(tmp_path / 'a.pth', layers))


@pytest.mark.parametrize('format', FORMATS)
def test_a_file_of_another_format_is_refused(format, unknown):
    with pytest.raises(UserError, match=rf'a\.pth.*{format}.*stage1\.conv1'):
        open_source(unknown, format)


def test_a_file_of_no_known_format_is_refused(unknown):
    with pytest.raises(UserError, match=r'a\.pth.*stage1\.conv1.*--kind'):
        open_source(unknown)


def test_vgg_with_batch_normalisation_is_refused(tmp_path):
    """Its layers are numbered differently: features.3 is the second convolution."""
    layers = {f'features.{n}': Draw(0)(2, 3, 3, 3) for n in (0, 3, 7, 10, 14, 17, 20)}
    path = weight_files.write_pytorch(tmp_path / 'a.pth', layers)
    with pytest.raises(UserError, match=r'a\.pth.*torchvision.*features\.2, feat'):
        open_source(str(path))


@pytest.mark.parametrize(
    ('name', 'arrays', 'message'),
    [
        ('conv3_2', [np.ones((16, 16, 3)), np.ones(16)], r'conv3_2.*\(16, 16, 3\) \(16,'),
        ('conv3_2', [np.ones((16, 16, 3, 3))], r'params/shared/trunk/conv3/conv3_2'),
        ('fc6', [np.ones((WIDE, 32 * 9)), np.ones(WIDE)], 'fc6.*ilsvrc'),
        ('fc7', [np.ones((7, WIDE)), np.ones(5)], 'fc7'),
        ('conv1_1', [np.full((4, 3, 3, 3), np.nan), np.ones(4)], 'conv1_1.*finite'),
    ],
)
def test_a_layer_of_another_shape_is_refused(name, arrays, message, tmp_path):
    layers = caffe_network.vgg(seed=1) | {name: arrays}
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    with pytest.raises(UserError, match=rf'a\.caffemodel.*{message}'):
        import_layers([open_source(str(path))])


def test_running_statistics_without_a_factor_are_refused(tmp_path):
    layers = caffe_network.release(Draw(6), CHANNELS, 64, WIDE)
    layers['BN_pre_conv1_2'][2][:] = 0
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    with pytest.raises(UserError, match='BN_pre_conv1_2.*factor'):
        import_layers([open_source(str(path))])
