"""Relatives of VGG-16 and ResNet-50 are named and refused, although they have all its layers."""

import pathlib
import sys

import numpy as np
import pytest
import safetensors.numpy

from helpers import caffe_network, weight_files
from helpers.caffe_network import Draw, Layers
from ubernet_jax.errors import UserError
from ubernet_jax.weights import __main__
from ubernet_jax.weights.importing import check_trunk, import_layers
from ubernet_jax.weights.layers import CONVOLUTIONS
from ubernet_jax.weights.opening import open_source

VGG_16 = caffe_network.vgg(seed=1)
# Convolutions of each block.
VGGS = {'VGG-11': (1, 1, 2, 2, 2), 'VGG-13': (2,) * 5, 'VGG-19': (2, 2, 4, 4, 4)}


def convolution() -> list[np.ndarray]:
    return Draw(0)(2, 2, 3, 3)


def by_blocks(pattern: str, counts: tuple[int, ...]) -> Layers:
    """Layers of a VGG by block and number, as Caffe and Keras name them."""
    return {
        pattern.format(block, number): convolution()
        for block, count in enumerate(counts, 1)
        for number in range(1, count + 1)
    }


def by_position(counts: tuple[int, ...], normalised: bool = False) -> Layers:
    """Layers of a VGG by position, as torchvision names them; ReLU and pooling also count."""
    layers, position = {}, 0
    for count in counts:
        for _ in range(count):
            layers[f'features.{position}'] = convolution()
            if normalised:
                layers[f'features.{position + 1}'] = [np.ones(2), np.ones(2)]
            position += 3 if normalised else 2
        position += 1
    return layers


def save_state(path: pathlib.Path, state: dict[str, np.ndarray]) -> str:
    safetensors.numpy.save_file(state, path)
    return str(path)


@pytest.mark.parametrize(
    ('settings', 'network', 'layer'),
    [
        ({'blocks': (3, 4, 23, 3)}, 'ResNet-101', r'layer3\.10\.'),
        ({'blocks': (3, 8, 36, 3)}, 'ResNet-152', r'layer2\.4\.'),
        ({'blocks': (3, 4, 6, 4)}, 'a ResNet with 3, 4, 6, 4 blocks', r'layer4\.3\.'),
        ({'width': 8}, 'Wide-ResNet-50', ''),
        ({'width': 8, 'groups': 2}, 'ResNeXt-50 2x4d', ''),
        ({'blocks': (3, 4, 23, 3), 'width': 16, 'groups': 4}, 'ResNeXt-101 4x4d', ''),
    ],
    ids=str,
)
def test_another_resnet_is_named(settings, network, layer, tmp_path):
    file = save_state(tmp_path / 'a.safetensors', weight_files.resnet_state(**settings))
    for format in (None, 'resnet50'):
        with pytest.raises(UserError, match=rf'a\.safetensors.*ResNet-50.*{network}.*{layer}'):
            open_source(file, format)


def test_further_layers_in_the_blocks_of_resnet_are_refused(tmp_path):
    state = weight_files.resnet_state() | {'layer1.0.se.fc1.weight': np.ones((1, 16, 1, 1))}
    with pytest.raises(UserError, match=r'a\.safetensors.*ResNet-50.*layer1\.0\.se\.fc1'):
        open_source(save_state(tmp_path / 'a.safetensors', state))


def test_resnet_of_two_convolutions_a_block_is_named(tmp_path):
    state = {
        name: array
        for name, array in weight_files.resnet_state().items()
        if 'conv3' not in name and 'bn3' not in name
    }
    with pytest.raises(UserError, match=r'a\.safetensors.*ResNet-50.*ResNet-34.*conv3'):
        open_source(save_state(tmp_path / 'a.safetensors', state))


@pytest.mark.parametrize('network', VGGS)
@pytest.mark.parametrize('framework', ['caffe', 'keras', 'torch'])
def test_another_vgg_is_named(network, framework, tmp_path):
    counts = VGGS[network]
    if framework == 'caffe':
        layers = by_blocks('conv{}_{}', counts)
        path = weight_files.write_old_caffemodel(tmp_path / 'a.caffemodel', layers)
    elif framework == 'keras':
        path = weight_files.write_keras(tmp_path / 'a.h5', by_blocks('block{}_conv{}', counts))
    else:
        path = weight_files.write_pytorch(tmp_path / 'a.pth', by_position(counts))
    with pytest.raises(UserError, match=rf'{path.name}.*VGG-16.*{network}'):
        open_source(str(path))


def test_batch_normalisation_in_vgg_is_named(tmp_path):
    layers = by_position((2, 2, 3, 3, 3), normalised=True)
    path = weight_files.write_pytorch(tmp_path / 'a.pth', layers)
    with pytest.raises(UserError, match=r'a\.pth.*VGG-16 with batch normalisation.*features\.1,'):
        open_source(str(path))
    layers = VGG_16 | {'conv1_1_bn': [np.ones(4), np.ones(4)]}
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    with pytest.raises(UserError, match='VGG-16 with batch normalisation.*conv1_1_bn'):
        open_source(str(path))


def test_a_trunk_of_other_shapes_is_refused(tmp_path):
    wide = VGG_16 | {'conv3_2': Draw(0)(24, 16, 3, 3)}
    files = {
        'conv3_2': str(weight_files.write_caffemodel(tmp_path / 'a.caffemodel', wide)),
        r'layer1\.0\.conv2': save_state(
            tmp_path / 'a.safetensors', weight_files.resnet_state(side=5)
        ),
    }
    shapes = {
        'conv3_2': r'\(24,\).*\(16,\)',
        r'layer1\.0\.conv2': r'\(5, 5, 4, 4\).*\(3, 3, 4, 4\)',
    }
    for layer, file in files.items():
        imported = import_layers([open_source(file)])
        with pytest.raises(
            UserError, match=rf'{pathlib.Path(file).name}.*{layer} .*{shapes[layer]}'
        ):
            check_trunk(imported)


def test_the_command_refuses_other_shapes_and_writes_nothing(tmp_path, monkeypatch):
    file = save_state(tmp_path / 'a.safetensors', weight_files.resnet_state(side=5))
    out = tmp_path / 'out.safetensors'
    monkeypatch.setattr(sys, 'argv', ['weights', 'import', file, '--out', str(out)])
    with pytest.raises(UserError, match=r'layer1\.0\.conv2'):
        __main__.main()
    assert not out.exists()


def test_a_narrow_resnet_50_is_imported_and_its_layers_are_counted(tmp_path, monkeypatch, capsys):
    file = save_state(tmp_path / 'a.safetensors', weight_files.resnet_state())
    out = tmp_path / 'out.safetensors'
    monkeypatch.setattr(sys, 'argv', ['weights', 'import', file, '--out', str(out)])
    __main__.main()
    last = capsys.readouterr().out.splitlines()[-1]
    numbers = {'107 read', '106 used', '53 of them', '1 left out', '1 not in the network'}
    assert all(number in last for number in numbers)


def test_layers_of_several_files_are_counted_by_reason(tmp_path):
    layers = {'first': caffe_network.faster_rcnn(seed=4), 'second': caffe_network.deeplab(seed=5)}
    layers['second']['fc9'] = layers['second']['fc7']
    files = [
        str(weight_files.write_caffemodel(tmp_path / f'{name}.caffemodel', network))
        for name, network in layers.items()
    ]
    totals = import_layers([open_source(file) for file in files]).totals
    read = sum(map(len, layers.values()))
    taken = len(CONVOLUTIONS)
    for part in (f'{read} read', f'{read - taken - 1} used', f'{taken + 1} left out',
                 f'{taken} taken from another file', '1 not in the network'):  # fmt: skip
        assert part in totals
