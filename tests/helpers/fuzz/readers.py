"""Readers of images, labels and predictions, with small valid files as seeds."""

import functools
import io
import json
import pathlib
from collections.abc import Callable
from typing import Any

import h5py
import hypothesis
import numpy as np
import scipy.io
import scipy.sparse
from hypothesis import strategies as st
from PIL import ExifTags, Image

from helpers.dataset_files import write_annotation
from helpers.fuzz import hostile
from helpers.fuzz.damage import any_file, as_json, misfilled
from helpers.fuzz.reader import Reader
from helpers.tiny_matlab_datasets import cells, save_matlab_73
from ubernet_jax.datasets.builders import files, matlab, person_part, sbd
from ubernet_jax.datasets.builders.folder_kinds import read_description
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.lines import LineMap, parse_annotators
from ubernet_jax.labels.reading import read_array
from ubernet_jax.labels.standard import STANDARD, VOC_CLASSES
from ubernet_jax.metrics import annotations
from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.boundary_extraction import outline_classes
from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.metrics.semantic_boundaries import Mode, SemanticBoundaryMetric, SemanticTruth
from ubernet_jax.scoring.readers import map_reader
from ubernet_jax.scoring.sbd_files import read_sbd

SHAPE = (6, 8)
CLASSES = VOC_CLASSES[1:]
_OBJECTS = [
    {'box': [0, 0.5, 8, 6], 'label': 'dog', 'difficult': False, 'score': 0.5},
    {'box': [2, 1, 3, 2], 'label': 'tvmonitor', 'difficult': True, 'score': 1},
]
_BINARY = np.eye(*SHAPE, dtype=np.uint8)
_DESCRIPTION = {
    'weeds': {'kind': 'class_map', 'classes': ['soil', 'weed']},
    'depth': {'kind': 'metres', 'scale': 0.001},
    'colour': {'kind': 'colour', 'module': 'plugin.labels'},
    'shade': {'kind': 'soft_mask'},
}


def make_readers(folder: pathlib.Path) -> dict[str, Reader]:
    """The readers by name; seeds are written to `folder` first."""
    pictures = any_file(_photographs()) | hostile.pictures()
    label = (
        any_file([_picture(np.eye(*SHAPE, dtype=np.uint8)), *_label_pictures()])
        | hostile.pictures()
    )
    documents = any_file([json.dumps(_OBJECTS).encode(), b'[]']) | as_json(_OBJECTS)
    documents |= hostile.json()
    detections = any_file([json.dumps({'a': _OBJECTS}).encode()]) | as_json({'a': _OBJECTS})
    write_annotation(folder / 'a.xml', ('chair', 1, 1, 8, 6, 0), ('person', 2, 3, 5, 6, 1))
    voc = any_file([(folder / 'a.xml').read_bytes()]) | hostile.annotations()
    numpy_arrays = any_file(_numpy_files()) | hostile.arrays()
    ids = any_file([b'2008_000002\n2008_000007\n', b'a'])
    table = any_file([b'a 0.5 1 1 4 5\nb 1e-3 2.5 3 4 5.0\n'])
    new_matlab = any_file(_matlab_73(folder)) | hostile.hdf5()
    descriptions = any_file([json.dumps(_DESCRIPTION).encode()]) | as_json(_DESCRIPTION)

    def label_of(name: str) -> Callable[[pathlib.Path], Any]:
        return lambda path: STANDARD[name].read(path, SHAPE)

    reads = {
        'image': Reader(files.read_image, 'a.jpg', pictures, tuple),
        'classes': Reader(label_of('segmentation'), 'a.png', label),
        'share': Reader(label_of('saliency'), 'a.png', label),
        'lines': Reader(label_of('boundaries'), 'a.png', label, LineMap),
        'line_arrays': Reader(label_of('boundaries'), 'a.npz', numpy_arrays, LineMap),
        'directions': Reader(label_of('normals'), 'a.png', label),
        'vectors': Reader(label_of('normals'), 'a.npy', numpy_arrays),
        'metres': Reader(label_of('depth'), 'a.png', label),
        'metre_arrays': Reader(label_of('depth'), 'a.npy', numpy_arrays),
        'array': Reader(read_array, 'a.npy', numpy_arrays),
        'boxes': Reader(label_of('detection'), 'a.json', documents, BoxSet),
        'voc_boxes': Reader(label_of('detection'), 'a.xml', voc, BoxSet),
        'description': Reader(read_description, 'labels.json', descriptions, dict),
        'list': Reader(files.read_list, 'a.txt', ids, list),
        'matlab_7_3': Reader(
            lambda path: matlab.read_matlab_slice(path, 'stack', 1),
            'a.mat',
            new_matlab,
            share=0.2,  # each starts a process
        ),
        'detections': Reader(
            lambda path: annotations.read_detections(path, CLASSES), 'a.json', detections, dict
        ),
        'comp4': Reader(
            lambda path: annotations.read_detections(path.parent, CLASSES),
            'comp4_det_test_dog.txt',
            table,
            dict,
        ),
    }
    for name, (read, document, returns) in _MATLAB.items():
        reads[name] = Reader(read, 'a.mat', _matlab(document), returns)
    maps = {'.png': label, '.npy': numpy_arrays, '.npz': numpy_arrays, '.mat': _matlab({'a': 1})}
    for name, scored in _METRICS.items():
        for suffix, contents in maps.items():
            read = functools.partial(_measure, name, scored)
            reads[f'{name}{suffix}'] = Reader(
                read, f'a{suffix}', contents, dict, share=0.3, named=False
            )
    return reads


_METRICS: dict[str, tuple[Metric, Any]] = {
    'segmentation': (SegmentationMetric(21), _BINARY),
    'saliency': (SaliencyMetric(), _BINARY > 0),
    'normals': (NormalsMetric(), np.ones((*SHAPE, 3), np.float32)),
    'depth': (DepthMetric(), np.ones(SHAPE, np.float32)),
    'boundaries': (BoundaryMetric(thresholds=3), _BINARY[np.newaxis]),
    'semantic-boundaries': (
        SemanticBoundaryMetric(CLASSES, Mode.PRE_SEAL, thresholds=3),
        outline_classes(_BINARY, len(CLASSES)),
    ),
}


def _measure(name: str, scored: tuple[Metric, Any], path: pathlib.Path) -> dict:
    metric, truth = scored
    classes = CLASSES if name == 'semantic-boundaries' else VOC_CLASSES
    return metric.measure(map_reader(name, classes).prediction(path), truth)


def _picture(pixels: np.ndarray | Image.Image, suffix: str = 'png', **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


def _label_pictures() -> list[bytes]:
    palette = Image.fromarray(_BINARY)
    palette.putpalette(list(range(256)) * 3)
    return [
        _picture(palette),
        _picture(_BINARY > 0),
        _picture(np.stack([_BINARY * 200] * 3, axis=-1)),
        _picture(_BINARY.astype(np.uint16)),
    ]


def _photographs() -> list[bytes]:
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (*SHAPE, 3), np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    transparent = np.dstack([colour, colour[..., :1]])
    endings = ('jpeg', 'png', 'gif', 'bmp', 'tiff', 'webp', 'ppm')
    return [
        *(_picture(colour, ending) for ending in endings),
        _picture(colour, 'jpeg', exif=exif, progressive=True),
        _picture(colour, 'tiff', compression='tiff_lzw'),
        _picture(Image.fromarray(transparent), 'png', exif=exif),
        _picture(Image.fromarray(transparent), 'webp'),
        _picture(Image.fromarray(colour).convert('CMYK'), 'jpeg'),
        *_label_pictures(),
    ]


def _numpy_files() -> list[bytes]:
    saved = []
    for array in (np.ones((*SHAPE, 3), np.float32), _BINARY, np.asfortranarray(_BINARY * 0.5)):
        buffer = io.BytesIO()
        np.save(buffer, array)
        saved.append(buffer.getvalue())
    buffer = io.BytesIO()
    np.savez(buffer, normals=np.ones((*SHAPE, 3), np.float32), segmentation=_BINARY)
    saved.append(buffer.getvalue())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, saliency=_BINARY)
    return [*saved, buffer.getvalue()]


def _matlab_73(folder: pathlib.Path) -> list[bytes]:
    path = folder / 'seed.mat'
    save_matlab_73(path, {'stack': np.zeros((2, 3, 4), np.uint8)})
    saved = [path.read_bytes()]
    with h5py.File(path, 'w') as file:
        file.create_dataset('stack', data=np.zeros((4, 3, 2)), chunks=(1, 3, 2), compression='gzip')
    return [*saved, path.read_bytes()]


_SEGMENTATION = np.zeros(SHAPE, np.uint8)
_OUTLINE = scipy.sparse.csc_matrix(np.eye(*SHAPE))
_PARTS = [{'part_name': 'torso', 'mask': _BINARY}, {'part_name': 'head', 'mask': _BINARY}]
_CLASS_TRUTH = {'GTcls': {'Segmentation': _SEGMENTATION, 'Boundaries': [_OUTLINE] * 20}}
_INSTANCE_TRUTH = {
    'GTinst': {
        'Segmentation': _BINARY,
        'Boundaries': [_OUTLINE],
        'Categories': np.array([[15]], np.uint8),
    }
}
_ANNOTATORS = {
    'groundTruth': [{'Segmentation': _BINARY, 'Boundaries': _BINARY}] * 2,
}

# Reader of MATLAB files -> function, contents of a valid file, type of the result. Lists are cells.
_MATLAB: dict[str, tuple[Callable[[pathlib.Path], Any], dict, type]] = {
    'bsds500': (
        lambda path: matlab.read_matlab(
            path, 'groundTruth', functools.partial(parse_annotators, path)
        ),
        _ANNOTATORS,
        np.ndarray,
    ),
    'annotators': (STANDARD['boundaries'].read, _ANNOTATORS, LineMap),
    'sbd_classes': (
        lambda path: matlab.read_matlab(path, 'GTcls', sbd._parse_classes),
        _CLASS_TRUTH,
        np.ndarray,
    ),
    'sbd_instances': (
        lambda path: matlab.read_matlab(path, 'GTinst', sbd._parse_instances),
        _INSTANCE_TRUTH,
        tuple,
    ),
    'sbd_truth': (
        lambda path: read_sbd(path, len(CLASSES)),
        _CLASS_TRUTH | _INSTANCE_TRUTH,
        SemanticTruth,
    ),
    'context': (
        lambda path: matlab.read_matlab(path, 'LabelMap', matlab.as_map),
        {'LabelMap': _BINARY},
        np.ndarray,
    ),
    'person_part': (
        lambda path: matlab.read_matlab(path, 'anno', person_part._parse_parts),
        {'anno': {'objects': {'class': 'person', 'parts': _PARTS[0]}}},
        list,
    ),
}


def _matlab(document: dict) -> st.SearchStrategy[bytes]:
    """MATLAB files of version 5 with damaged bytes or with other values."""
    values = st.sampled_from(
        [
            np.zeros((0, 0)), np.float64(np.nan), -1, 300, 2**63, 'text', '', {'a': 1}, [], [1, 2],
            np.ones((2, 3, 4)), np.full(SHAPE, np.inf), np.full(SHAPE, 1j), _BINARY > 0, _OUTLINE,
            np.full(SHAPE, 2**40), np.array([['a', 'bc']]), scipy.sparse.csc_matrix((10**6, 10**6)),
            _BINARY, _BINARY[:3], _BINARY * 0.5,
        ]
    )  # fmt: skip
    valid = _save_matlab(document)
    damaged = any_file([valid]) | misfilled(document, values).map(_save_matlab)
    return damaged | hostile.matlab()


def _save_matlab(document: Any) -> bytes:
    buffer = io.BytesIO()
    try:
        scipy.io.savemat(buffer, {name: _as_matlab(value) for name, value in document.items()})
    except (
        AttributeError,
        TypeError,
        ValueError,
    ):  # scipy cannot write it, or it is not a variable
        hypothesis.reject()
    return buffer.getvalue()


def _as_matlab(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _as_matlab(value) for name, value in node.items()}
    return cells(*map(_as_matlab, node)) if isinstance(node, list) else node
