"""Readers of weight files, of this package and foreign, with small valid files as seeds."""

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
from helpers.fuzz.weight_shapes import caffemodels, keras_files, pytorch_files, safetensors_files
from ubernet_jax.config import serialization
from ubernet_jax.weights import layouts
from ubernet_jax.weights.arrays import flatten
from ubernet_jax.weights.caffe import read_caffemodel
from ubernet_jax.weights.decimation import large_field_fc6
from ubernet_jax.weights.exported import TrainedNetwork, load_exported
from ubernet_jax.weights.formats import FORMATS
from ubernet_jax.weights.importing import Imported, import_layers
from ubernet_jax.weights.initial import Start, load_start
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.opening import open_source
from ubernet_jax.weights.pytorch import read_pytorch, read_safetensors

Layers = dict[str, list[np.ndarray]]

_LAYERS = {
    'conv1_1': [np.ones((2, 3, 3, 3)), np.zeros(2)],
    'fc1': [np.ones((2, 49)), np.zeros(2)],
}
_PARAMS = {'shared': {'a': {'kernel': np.zeros((2, 2), np.float32)}}}
_STATS = {'a': {'mean': np.zeros(2, np.float32)}}
_OTHER_PROCESS = 0.5  # share of readers that start a process for each file
# Converter -> shape of the smallest kernel that it accepts; (1, 1) for all others.
_SHAPES = {
    layouts.convolution: (1, 1, 3, 3),
    layouts.bgr_convolution: (1, 1, 3, 3),
    layouts.regions_dense: (1, 49),
    large_field_fc6: (1, 49),
    layouts.proposal_scores: (2, 1),
    layouts.box_deltas: (4, 1),
}
# Arrays that do not belong to the layer, or to any layer.
_ODD_ARRAYS = st.sampled_from(
    [np.zeros(0), np.float64(1), np.ones((1, 1)), np.ones((1, 49)), np.full((1, 1, 3, 3), np.nan),
     np.ones((2, 1, 3, 3)), np.full(1, 1e300), np.zeros((0, 5)), np.ones((1, 2, 3, 4, 5))]
)  # fmt: skip


def make_weight_readers(folder: pathlib.Path) -> dict[str, Reader]:
    """The readers by name; seeds are written to `folder` first."""

    def written(write: Callable[..., Any], layers: Layers = _LAYERS) -> bytes:
        path = folder / 'seed'
        write(path, layers)
        return path.read_bytes()

    caffe_seeds = [
        written(weight_files.write_caffemodel),
        written(weight_files.write_old_caffemodel),
    ]
    keras_seeds = [
        written(weight_files.write_keras),  # Keras 2 through h5py 2
        written(weight_files.write_keras_2),  # and through h5py 3
    ]
    archive, old = written(weight_files.write_pytorch), written(weight_files.write_old_pytorch)
    safetensors_file = written(weight_files.write_safetensors)
    networks = [_layers(format) for format in FORMATS]

    def caffemodel(layers: Layers) -> bytes:
        try:
            return written(weight_files.write_caffemodel, layers)
        except (AttributeError, TypeError):  # an array in place of layers or of a list of arrays
            hypothesis.reject()

    imported = any_file([caffemodel(layers) for layers in networks])
    exported = _exported()
    return {
        'caffemodel': Reader(
            read_caffemodel, 'a.caffemodel', any_file(caffe_seeds) | caffemodels(), dict
        ),
        'pth': Reader(
            read_pytorch,
            'a.pth',
            any_file([archive, old]) | _archives(folder) | pytorch_files(folder),
            dict,
            share=_OTHER_PROCESS,
        ),
        'keras': Reader(
            read_keras,
            'a.h5',
            any_file(keras_seeds) | keras_files(folder),
            dict,
            share=_OTHER_PROCESS,
        ),
        'safetensors': Reader(
            read_safetensors,
            'a.safetensors',
            _safetensors(safetensors_file) | safetensors_files(),
            dict,
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
            lambda path: load_start(str(path), _PARAMS, _STATS), 'a.safetensors', exported, Start
        ),
    }


def _layers(format: str) -> Layers:
    """The smallest layers of a format."""
    layers = {}
    for mapping in FORMATS[format].mappings:
        kernel = np.ones(_SHAPES.get(mapping.convert, (1, 1)))
        count = 3 if mapping.convert is layouts.statistics else 2
        layers[mapping.source] = [kernel, *[np.ones(len(kernel))] * (count - 1)]
    return layers


def _with_odd_arrays(layers: Layers) -> st.SearchStrategy[Layers]:
    return misfilled(layers, _ODD_ARRAYS)


def _archives(folder: pathlib.Path) -> st.SearchStrategy[bytes]:
    """PyTorch's archives with a damaged pickle and the right checksum."""
    array = np.ones((2, 3), np.float32)
    pickled = weight_files.make_pickle({'a.weight': weight_files.contiguous('0', array)})

    def pack(pickled: bytes) -> bytes:
        path = weight_files.write_archive(folder / 'seed', pickled, {'0': array.tobytes()})
        return path.read_bytes()

    return any_file([pickled]).map(pack)


def _safetensors(valid: bytes) -> st.SearchStrategy[bytes]:
    header, pack = _open(valid)
    return any_file([valid]) | as_json(header, pack)


def _exported() -> st.SearchStrategy[bytes]:
    config = serialization.to_json(tiny_config.get_config())
    metadata = {'format': 'ubernet_jax', 'step': '3', 'config': json.dumps(config)}
    valid = safetensors.numpy.save(flatten(_PARAMS, _STATS), metadata)
    header, pack = _open(valid)

    def with_config(config: Any) -> bytes:
        changed = {'__metadata__': metadata | {'config': json.dumps(config)}}
        return pack(json.dumps(header | changed).encode())

    return _safetensors(valid) | misfilled(config).map(with_config)


def _open(content: bytes) -> tuple[Any, Callable[[bytes], bytes]]:
    """The header of a safetensors file, and a function that replaces the header."""
    start = 8 + int.from_bytes(content[:8], 'little')

    def pack(header: bytes) -> bytes:
        return len(header).to_bytes(8, 'little') + header + content[start:]

    return json.loads(content[8:start]), pack
