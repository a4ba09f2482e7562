"""Readers of networks, ours and those of others, with small valid files to damage."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import hypothesis
import numpy as np
import safetensors.numpy
from hypothesis import strategies as st

from helpers import tiny_config, weight_files
from helpers.fuzz.damage import any_file, as_json, misfilled
from helpers.fuzz.reader import Reader
from ubernet_jax.config import serialization
from ubernet_jax.weights import layouts
from ubernet_jax.weights.caffe import read_caffemodel
from ubernet_jax.weights.decimation import large_field_fc6
from ubernet_jax.weights.exported import TrainedNetwork, flatten, load_exported
from ubernet_jax.weights.importing import Imported, import_layers
from ubernet_jax.weights.initial import Start, load_start
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.kinds import KINDS, open_source
from ubernet_jax.weights.pytorch import read_pytorch, read_safetensors

Layers = dict[str, list[np.ndarray]]

_LAYERS = {
    'conv1_1': [np.ones((2, 3, 3, 3)), np.zeros(2)],
    'fc1': [np.ones((2, 49)), np.zeros(2)],
}
_PARAMS = {'shared': {'a': {'kernel': np.zeros((2, 2), np.float32)}}}
_STATS = {'a': {'mean': np.zeros(2, np.float32)}}
# Of the smallest kernel that becomes one of ours; (1, 1) of what is not here.
_SHAPES = {
    layouts.convolution: (1, 1, 3, 3),
    layouts.bgr_convolution: (1, 1, 3, 3),
    layouts.regions_dense: (1, 49),
    large_field_fc6: (1, 49),
    layouts.proposal_scores: (2, 1),
    layouts.box_deltas: (4, 1),
}
# Arrays that no layer has, or not that one.
_ODD_ARRAYS = st.sampled_from(
    [np.zeros(0), np.float64(1), np.ones((1, 1)), np.ones((1, 49)), np.full((1, 1, 3, 3), np.nan),
     np.ones((2, 1, 3, 3)), np.full(1, 1e300), np.zeros((0, 5)), np.ones((1, 2, 3, 4, 5))]
)  # fmt: skip


def make_weight_readers(folder: pathlib.Path) -> dict[str, Reader]:
    """The readers by name; `folder` is for files that seeds are made of."""

    def written(write: Callable[..., Any], layers: Layers = _LAYERS) -> bytes:
        path = folder / 'seed'
        write(path, layers)
        return path.read_bytes()

    caffemodels = [
        written(weight_files.write_caffemodel),
        written(weight_files.write_old_caffemodel),
    ]
    archive, old = written(weight_files.write_pytorch), written(weight_files.write_old_pytorch)
    safetensors_file = written(weight_files.write_safetensors)
    networks = [_layers(kind) for kind in KINDS]

    def caffemodel(layers: Layers) -> bytes:
        try:
            return written(weight_files.write_caffemodel, layers)
        except (AttributeError, TypeError):  # an array stands where layers or arrays should
            hypothesis.reject()

    imported = any_file([caffemodel(layers) for layers in networks])
    exported = _exported()
    return {
        'caffemodel': Reader(read_caffemodel, 'a.caffemodel', any_file(caffemodels), dict),
        'pth': Reader(read_pytorch, 'a.pth', any_file([archive, old]) | _archives(folder), dict),
        'keras': Reader(read_keras, 'a.h5', any_file([written(weight_files.write_keras)]), dict),
        'safetensors': Reader(
            read_safetensors, 'a.safetensors', _safetensors(safetensors_file), dict
        ),
        'import': Reader(
            lambda path: import_layers([open_source(str(path))]),
            'a.caffemodel',
            imported | st.sampled_from(networks).flatmap(_with_odd_arrays).map(caffemodel),
            Imported,
            named=False,
        ),
        'exported': Reader(load_exported, 'a.safetensors', exported, TrainedNetwork),
        'start': Reader(
            lambda path: load_start(path, _PARAMS, _STATS), 'a.safetensors', exported, Start
        ),
    }


def _layers(kind: str) -> Layers:
    """The smallest layers of a kind of file."""
    layers = {}
    for row in KINDS[kind].rows:
        kernel = np.ones(_SHAPES.get(row.convert, (1, 1)))
        many = 3 if row.convert is layouts.statistics else 2
        layers[row.source] = [kernel, *[np.ones(len(kernel))] * (many - 1)]
    return layers


def _with_odd_arrays(layers: Layers) -> st.SearchStrategy[Layers]:
    return misfilled(layers, _ODD_ARRAYS)


def _archives(folder: pathlib.Path) -> st.SearchStrategy[bytes]:
    """PyTorch's archives whose pickle is damaged, with the checksum that it has now."""
    array = np.ones((2, 3), np.float32)
    pickled = weight_files.make_pickle({'a.weight': weight_files.contiguous('0', array)})

    def pack(pickled: bytes) -> bytes:
        path = weight_files.write_archive(folder / 'seed', pickled, {'0': array.tobytes()})
        return path.read_bytes()

    return any_file([pickled]).map(pack)


def _safetensors(whole: bytes) -> st.SearchStrategy[bytes]:
    header, pack = _open(whole)
    return any_file([whole]) | as_json(header, pack)


def _exported() -> st.SearchStrategy[bytes]:
    config = serialization.to_json(tiny_config.get_config())
    metadata = {'format': 'ubernet_jax', 'step': '3', 'config': json.dumps(config)}
    whole = safetensors.numpy.save(flatten(_PARAMS, _STATS), metadata)
    header, pack = _open(whole)

    def with_config(config: Any) -> bytes:
        changed = {'__metadata__': metadata | {'config': json.dumps(config)}}
        return pack(json.dumps(header | changed).encode())

    return _safetensors(whole) | misfilled(config).map(with_config)


def _open(whole: bytes) -> tuple[Any, Callable[[bytes], bytes]]:
    """The header of a safetensors file, and what puts another one into its place."""
    start = 8 + int.from_bytes(whole[:8], 'little')

    def pack(header: bytes) -> bytes:
        return len(header).to_bytes(8, 'little') + header + whole[start:]

    return json.loads(whole[8:start]), pack
