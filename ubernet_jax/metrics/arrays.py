"""Reading maps: pictures, NumPy and MATLAB files, and the ground truth of BSDS500 and SBD."""

import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from ubernet_jax.metrics.matlab import load_matlab
from ubernet_jax.metrics.metric import MetricError

SUFFIXES = ('.png', '.npy', '.npz', '.mat')
SIXTEEN_BITS = 65535
_SBD_PIXELS = 2**24  # SBD's images have 500 x 500


def find_map(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    """The file of an image in a folder, whichever its format; None if there is none."""
    paths = (folder / f'{name}{suffix}' for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def read_array(path: pathlib.Path, key: str) -> np.ndarray:
    """The array in a file.

    Args:
      path: a picture (palettes give indices, 16 bits become floating 0..1), .npy, .npz or .mat.
      key: the name of the array where the file holds several.

    Raises:
      MetricError: the file cannot be read or does not hold that array.
    """
    if path.suffix == '.png':
        return _read_picture(path)
    arrays = load_matlab(path) if path.suffix == '.mat' else _load(path)
    arrays = {name: value for name, value in arrays.items() if not name.startswith('__')}
    name = 'ucm2' if 'ucm2' in arrays else key
    if name not in arrays and len(arrays) != 1:
        raise MetricError(
            f'{path} holds {", ".join(arrays) or "nothing"}: a single array, or one named {key!r}, '
            'is needed'
        )
    array = arrays.get(name, next(iter(arrays.values())))
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'biuf':
        raise MetricError(f'{path}: an array of numbers is needed, but it holds {array!r:.50}')
    # gPb-UCM writes contours at twice the resolution.
    return array[2::2, 2::2] if name == 'ucm2' and array.ndim == 2 else array


def read_annotators(path: pathlib.Path) -> np.ndarray:
    """Boundaries of each annotator: bool (A, H, W), or (H, W) from a picture or a plain array.

    BSDS500's .mat files hold a cell `groundTruth`; other files hold one map, or a stack, of which
    the upper half of the values means "boundary".
    """
    if path.suffix == '.mat':
        variables = load_matlab(path)
        if 'groundTruth' in variables:
            with _expected_structure(path):
                annotators = variables['groundTruth'].ravel()
                return np.stack([annotator['Boundaries'][0, 0] for annotator in annotators]) != 0
    boundaries = read_array(path, 'boundaries')
    return boundaries > (127 if boundaries.max(initial=0) > 1 else 0.5)


def read_normals(path: pathlib.Path) -> np.ndarray:
    """Normals (H, W, 3); pictures hold n = rgb / 127.5 - 1, or 0, 0, 0 where there is none."""
    values = read_array(path, 'normals')
    if values.dtype != np.uint8 or values.ndim != 3:
        return values
    return np.where(values.any(-1, keepdims=True), values / 127.5 - 1, 0)


def read_sbd(path: pathlib.Path, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Boundaries and regions of each class, bool (C, H, W), from an SBD `cls` or `inst` file."""
    variables = load_matlab(path)
    kind = 'GTinst' if 'GTinst' in variables else 'GTcls'
    if kind not in variables:
        raise MetricError(f'{path} holds neither GTcls nor GTinst: it is no file of SBD')
    with _expected_structure(path):
        truth = variables[kind][0, 0]
        segmentation, cells = truth['Segmentation'], truth['Boundaries'].ravel()
        if not isinstance(segmentation, np.ndarray) or segmentation.size > _SBD_PIXELS:
            raise ValueError('its segmentation is no map of the size of an image')
        if kind == 'GTinst':
            classes = truth['Categories'].ravel().astype(int)
        else:
            classes = np.arange(1, len(cells) + 1)
        outside = classes[(classes < 1) | (classes > num_classes)]
        if outside.size:
            raise MetricError(f'{path} holds class {outside[0]}: allowed are 1 to {num_classes}')
        boundaries = np.zeros((num_classes, *segmentation.shape), bool)
        regions = np.zeros_like(boundaries)
        for i, (label, cell) in enumerate(zip(classes, cells, strict=True), 1):
            if cell.shape != segmentation.shape:
                raise ValueError(f'boundaries {cell.shape} of a map {segmentation.shape}')
            cell.check_format()  # else a damaged index writes anywhere in memory
            boundaries[label - 1] |= cell.toarray() != 0
            regions[label - 1] |= segmentation == i
        return boundaries, regions


@contextlib.contextmanager
def _expected_structure(path: pathlib.Path) -> Iterator[None]:
    """What a MATLAB file raises that has other fields, or other things in them."""
    try:
        yield
    except MetricError:
        raise
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise MetricError(f'{path} has another structure than expected: {error}') from error


def _read_picture(path: pathlib.Path) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            array = np.asarray(picture)
    except Exception as error:  # decoders raise nearly any type on a broken file
        raise MetricError(f'{path} cannot be read as a picture: {error}') from error
    return array / SIXTEEN_BITS if array.dtype in (np.uint16, np.int32) else array


def _load(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of a `.npz` file by name; that of a `.npy` file has none."""
    try:
        loaded = np.load(path, allow_pickle=False)
        return {'': loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except Exception as error:  # the header is Python, so a damaged one raises nearly any type
        raise MetricError(f'{path} cannot be read as a NumPy file: {error}') from error
