"""Files that once caused another exception than an error message, or ended the process."""

import io
import json
import pathlib
import struct

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.io
import scipy.sparse

from helpers.hostile_files import npy, png_header
from helpers.run_folders import NETWORK
from ubernet_jax.comparison import workdir
from ubernet_jax.comparison.results import read_results
from ubernet_jax.comparison.runs import read_run
from ubernet_jax.config import Config, Normals
from ubernet_jax.config.serialization import to_json
from ubernet_jax.datasets.builders import files
from ubernet_jax.datasets.builders.folder_kinds import read_description
from ubernet_jax.datasets.builders.matlab import read_matlab, read_matlab_slice
from ubernet_jax.errors import UserError
from ubernet_jax.labels.reading import read_array
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.metrics.annotations import read_detections
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.multitask import delta_m
from ubernet_jax.scoring.sbd_files import read_sbd
from ubernet_jax.weights.card import select_results
from ubernet_jax.weights.exported import load_exported
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.pytorch import read_pytorch


def label_of(name: str):
    return lambda path: STANDARD[name].read(path, (6, 8))


def detections(path: pathlib.Path):
    return read_detections(path, ('dog',))


def numbers(path: pathlib.Path):
    return read_array(path, 'segmentation')


def read_log(path: pathlib.Path):
    return workdir.read_log(path.parent)


def read_settings(path: pathlib.Path):
    return workdir.read_settings(path.parent)


def results(path: pathlib.Path):
    return read_results(path.parent)


def card(path: pathlib.Path):
    return select_results(path.parent, NETWORK, ('saliency',))


def single_task(path: pathlib.Path):
    return delta_m({'saliency': path}, {'saliency': path})


def result(**fields: object) -> bytes:
    complete = {'task': 'saliency', 'result': 'saliency', 'dataset': 'a', 'split': 'b', 'images': 1,
             'network': NETWORK, 'protocol': {}, 'scores': [score()]}  # fmt: skip
    return json.dumps(complete | fields).encode()


def score(**fields: object) -> dict:
    complete = {'name': 'max_f', 'label': 'F', 'unit': '', 'lower_is_better': False, 'main': True}
    return complete | {'value': 0.5} | fields


def labelled_box(**fields: object) -> bytes:
    return json.dumps([{'box': [0, 0, 1, 1], 'label': 'dog'} | fields]).encode()


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def mat(**variables: object) -> bytes:
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, variables)
    return buffer.getvalue()


def mat_of_unknown_type() -> bytes:
    """A matrix with numbers of the undefined type 5120."""
    content = mat(map=np.ones((4, 4)))
    tag = struct.pack('<II', 9, 128)
    assert content.count(tag) == 1
    return content.replace(tag, struct.pack('<II', 5120, 128))


def mat_of_long_name() -> bytes:
    """Two sparse matrices; the name of the first claims 64 bytes, which include its rows."""
    cells = np.empty((2, 1), object)
    cells[:, 0] = [scipy.sparse.csc_matrix(np.eye(6, 8))] * 2
    tag = struct.pack('<II', 1, 0)
    start, first, second, end = mat(map=cells).split(tag)  # the first is that of the cell array
    return start + tag + first + struct.pack('<II', 1, 64) + second + tag + end


def mat_without_dimensions() -> bytes:
    """A text with a single byte instead of its two dimensions."""
    content = mat(map='person')
    tag = struct.pack('<II', 5, 8)
    assert content.count(tag) == 1
    return content.replace(tag, struct.pack('<HHI', 5, 1, 8))


def sbd_beyond_the_map() -> bytes:
    """A sparse boundary map of 6 x 8 pixels with a pixel in row 10,000,000."""
    outline = scipy.sparse.csc_matrix(np.eye(6, 8))
    outline.indices[-1] = 10_000_000
    cells = np.empty((1, 1), object)
    cells[0, 0] = outline
    return mat(GTcls={'Segmentation': np.zeros((6, 8), np.uint8), 'Boundaries': cells})


def sbd_of_a_sparse_map() -> bytes:
    """A sparse map of 2 * 10^12 pixels."""
    cells = np.empty((1, 1), object)
    cells[0, 0] = scipy.sparse.csc_matrix((2 * 10**9, 1000))
    return mat(GTcls={'Segmentation': cells[0, 0], 'Boundaries': cells})


def names_of_variable_length() -> bytes:
    """Names of a type that HDF5 2.0 reads without end if some bytes are damaged."""
    buffer = io.BytesIO()
    with h5py.File(buffer, 'w') as file:
        file.attrs['layer_names'] = [b'block1_conv1']
    return buffer.getvalue()


def broken_link() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, 'w') as file:
        file['stack'] = h5py.SoftLink('/nowhere')
    return buffer.getvalue()


def exported(**changes: str) -> bytes:
    settings = json.dumps(to_json(Config(steps=0, tasks={'normals': Normals()})))
    metadata = {'format': 'ubernet_jax', 'step': '1', 'config': settings} | changes
    arrays = {'params/a': np.zeros(1), 'batch_stats/a': np.zeros(1)}
    return safetensors.numpy.save(arrays, metadata)


@pytest.mark.parametrize(
    ('read', 'name', 'content'),
    [
        (label_of('detection'), 'a.json', b'[' * 100_000),
        (label_of('detection'), 'a.json', b'9' * 5000),
        (label_of('detection'), 'a.json', labelled_box(box=[0, 0, 1, 10**400])),
        (label_of('detection'), 'a.xml', b'<?xml version="1.0" encoding="x"?><a/>'),
        (label_of('detection'), 'a.json', labelled_box(box=['x', 0, 1, 1])),
        (label_of('detection'), 'a.json', labelled_box(label=None)),
        (label_of('detection'), 'a.json', labelled_box(label={})),
        (detections, 'a.json', b'{"a": [{"box": [0, 0, 1, 1], "score": 1, "label": null}]}'),
        (detections, 'a.json', b'{"a": 7}'),
        (lambda path: detections(path.parent), 'comp4_det_test_dog.txt', b'a 1 1 1 2 2 \xff'),
        (files.read_list, 'a.txt', b'\xff'),
        (label_of('segmentation'), 'a.png', png_header(20_000, 20_000)),
        (label_of('boundaries'), 'a.png', png_header(20_000, 20_000)),
        (read_array, 'a.npy', npz(a=np.ones(2))),
        (read_array, 'a.npy', npy('<f8', f'({2**50},)')),
        (read_array, 'a.npy', npy('<U1', '()', b'a\0\0\0')),
        (numbers, 'a.npz', npy('<U1', '()', b'a\0\0\0')),
        (numbers, 'a.mat', mat(segmentation='text')),
        (numbers, 'a.mat', mat_of_unknown_type()),
        (lambda path: read_matlab(path, 'map', np.asarray), 'a.mat', mat_of_unknown_type()),
        (lambda path: read_matlab(path, 'map', np.asarray), 'a.mat', mat_of_long_name()),
        (lambda path: read_matlab(path, 'map', np.asarray), 'a.mat', mat_without_dimensions()),
        (lambda path: read_sbd(path, 1), 'a.mat', sbd_beyond_the_map()),
        (lambda path: read_sbd(path, 1), 'a.mat', mat(GTcls=1)),
        (lambda path: read_sbd(path, 1), 'a.mat', sbd_of_a_sparse_map()),
        (lambda path: read_matlab_slice(path, 'stack', 0), 'a.mat', broken_link()),
        (load_exported, 'a.safetensors', exported(step='x')),
        (load_exported, 'a.safetensors', exported(step='[1]')),
        (load_exported, 'a.safetensors', exported(config='[' * 100_000)),
        (load_exported, 'a.safetensors', exported(config='{')),
        (load_exported, 'a.safetensors', exported(config='7')),
        (load_exported, 'a.safetensors', exported(config='{"steps": "a"}')),
        (load_exported, 'a.safetensors', exported(config='{"tasks": {"a": {"kind": []}}}')),
        (load_exported, 'a.safetensors', safetensors.numpy.save({}, {'format': 'ubernet_jax'})),
        (read_keras, 'a.h5', names_of_variable_length()),
        (read_pytorch, 'a.pth', b'cos\nsystem\n.'),
        (read_description, 'labels.json', b'{"far": {"kind": "metres", "scale": "x"}}'),
        (read_description, 'labels.json', b'{"far": {"kind": "metres", "scale": -1}}'),
        (read_description, 'labels.json', b'{"far": {"kind": []}}'),
        (read_log, 'log.jsonl', b'\xff'),
        (read_log, 'log.jsonl', b'[]'),
        (read_log, 'log.jsonl', b'{"step": 1, "loss/normals": "x"}'),
        (read_settings, 'config.json', b'[' * 100_000),
        (read_settings, 'config.json', b'{"steps": "a"}'),
        (read_run, 'a.json', b'[]'),
        (read_run, 'a.json', b'9' * 5000),
        (card, 'a.json', b'[]'),
        (card, 'a.json', b'{'),
        (card, 'a.json', result(scores=[score(value=10**400)])),
        (results, 'a.json', b'[]'),
        (results, 'a.json', result(task=[])),
        (results, 'a.json', result(scores={})),
        (results, 'a.json', result(scores=[score(value='x')])),
        (results, 'a.json', result(scores=[score(value=10**400)])),
        (results, 'a.json', result(scores=[score(name=[])])),
        (single_task, 'a.json', b'[]'),
        (single_task, 'a.json', b'[' * 100_000),
        (single_task, 'a.json', result(scores=[score(value='x')])),
        (single_task, 'a.json', result(scores=[score(main=False)])),
    ],
    # Some libraries write a file differently each time, and parallel tests need equal names.
    ids=lambda value: f'{len(value)} bytes' if isinstance(value, bytes) else None,
)
def test_the_error_names_the_file(read, name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises((UserError, MetricError)) as error:
        read(path)
    assert str(path) in str(error.value)
