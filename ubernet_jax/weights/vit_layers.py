"""Layers of vision transformers by their names in timm, and how to convert them."""

import pathlib
import re
from collections.abc import Iterator, Mapping

import numpy as np

from ubernet_jax.config import Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.models.vit_specs import VITS, ViTSpec
from ubernet_jax.weights.layers import TRUNK, LayerMapping
from ubernet_jax.weights.layouts import Arrays, Parameters, dense

PATCH = 'patch_embed.proj'
# Names of layers of the trunk, also of those that the trunk lacks.
TIMM_LAYERS = re.compile(r'blocks\.\d+(\..+)?|patch_embed\..+|norm|(cls|reg)_token|pos_embed')


def vit_mappings(spec: ViTSpec) -> tuple[LayerMapping, ...]:
    """The layers of a vision transformer by their names in timm."""
    return tuple(LayerMapping(name, f'{TRUNK}/{ours}', how) for name, ours, how in _rows(spec))


def _rows(spec: ViTSpec) -> Iterator[tuple]:
    yield PATCH, 'embedding/patch', _patch
    yield 'cls_token', 'embedding', _tokens('class_token')
    if spec.table:
        yield 'pos_embed', 'embedding', _positions
    if spec.registers:
        yield 'reg_token', 'embedding', _tokens('registers')
    for number in range(spec.depth):
        theirs, ours = f'blocks.{number}', f'block_{number}'
        yield f'{theirs}.norm1', f'{ours}/norm1', _norm
        yield f'{theirs}.attn.qkv', f'{ours}/qkv', _dense
        yield f'{theirs}.attn.proj', f'{ours}/projection', dense
        yield f'{theirs}.norm2', f'{ours}/norm2', _norm
        yield f'{theirs}.mlp.fc1', f'{ours}/fc1', dense
        yield f'{theirs}.mlp.fc2', f'{ours}/fc2', dense
        if spec.layer_scale and spec.table:
            yield f'{theirs}.ls1', ours, _vector('attention_scale')
            yield f'{theirs}.ls2', ours, _vector('mlp_scale')
        elif spec.layer_scale:  # gamma_1 and gamma_2 in timm's DINOv3, which is another class
            yield theirs, ours, _both_scales
    yield 'norm', 'norm', _norm


def identify_vit(path: pathlib.Path, stored: Mapping[str, list[np.ndarray]]) -> Trunk | None:
    """The trunk whose number of blocks, patch, width and tokens a file has.

    Returns:
      None if the file is not of a vision transformer.

    Raises:
      UserError: it is of a vision transformer that cannot be a trunk.
    """
    if PATCH not in stored or np.ndim(stored[PATCH][0]) != 4:
        return None
    width, _, patch, _ = stored[PATCH][0].shape
    depth = sum(bool(re.fullmatch(r'blocks\.\d+\.norm1', name)) for name in stored)
    found = (
        width, depth, patch, 'pos_embed' in stored, 'reg_token' in stored,
        'blocks.0.ls1' in stored or 'blocks.0' in stored,
    )  # fmt: skip
    for trunk, spec in VITS.items():
        if found == (
            spec.width, spec.depth, spec.patch, spec.table > 0, spec.registers > 0,
            spec.layer_scale,
        ):  # fmt: skip
            return trunk
    parts = zip(('a position table', 'register tokens', 'layer scale'), found[3:], strict=True)
    extras = ''.join(f', {"with" if has else "without"} {part}' for part, has in parts)
    raise UserError(
        f'{path} is of a vision transformer of {width} channels, {depth} blocks and patches of '
        f'{patch} pixels{extras}; the trunks are {", ".join(trunk.value for trunk in VITS)}'
    )


def _patch(arrays: Arrays) -> Parameters:
    kernel, bias = arrays
    return {'kernel': kernel.transpose(2, 3, 1, 0).reshape(-1, bias.size), 'bias': bias}


def _positions(arrays: Arrays) -> Parameters:
    """The table with a first row for the class token; files without that row have a square table.

    In files with register tokens it is part of the class token.
    """
    (table,) = arrays
    rows = table.reshape(-1, table.shape[-1])
    if round(len(rows) ** 0.5) ** 2 == len(rows):
        rows = np.concatenate([np.zeros_like(rows[:1]), rows])
    return {'positions': rows}


def _norm(arrays: Arrays) -> Parameters:
    scale, bias = arrays
    return {'scale': scale, 'bias': bias}


def _dense(arrays: Arrays) -> Parameters:
    """Converts a dense layer, which may have no bias."""
    kernel, *bias = arrays
    return dense([kernel, *(bias or [np.zeros(len(kernel), kernel.dtype)])])


def _tokens(name: str):  # noqa: ANN202 (a converter of `LayerMapping`)
    return lambda arrays: {name: arrays[0].reshape(-1, arrays[0].shape[-1])}


def _vector(name: str):  # noqa: ANN202
    return lambda arrays: {name: arrays[0].ravel()}


def _both_scales(arrays: Arrays) -> Parameters:
    attention, mlp = arrays
    return {'attention_scale': attention, 'mlp_scale': mlp}
