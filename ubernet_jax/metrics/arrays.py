"""Reading maps: pictures, NumPy and MATLAB files, and the ground truth of BSDS500 and SBD."""

import pathlib
import zipfile

import numpy as np
import scipy.io
from PIL import Image, UnidentifiedImageError

from ubernet_jax.metrics.metric import MetricError

SUFFIXES = ('.png', '.npy', '.npz', '.mat')
SIXTEEN_BITS = 65535


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
    if path.suffix == '.npy':
        return _load(path)
    arrays = _load(path) if path.suffix == '.npz' else read_mat(path)
    arrays = {name: value for name, value in arrays.items() if not name.startswith('__')}
    if 'ucm2' in arrays:  # contours at twice the resolution, as gPb-UCM writes them
        return arrays['ucm2'][2::2, 2::2]
    if key not in arrays and len(arrays) != 1:
        raise MetricError(
            f'{path} holds {", ".join(arrays) or "nothing"}: a single array, or one named {key!r}, '
            'is needed'
        )
    return arrays.get(key, next(iter(arrays.values())))


def read_mat(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The variables of a MATLAB file up to version 7.

    Raises:
      MetricError: the file cannot be read.
    """
    try:
        return scipy.io.loadmat(path)
    except NotImplementedError as error:
        raise MetricError(f'{path} is a MATLAB 7.3 file: save it with -v7') from error
    except (ValueError, OSError, TypeError, EOFError) as error:
        raise MetricError(f'{path} cannot be read as a MATLAB file: {error}') from error


def read_annotators(path: pathlib.Path) -> np.ndarray:
    """Boundaries of each annotator: bool (A, H, W), or (H, W) from a picture or a plain array.

    BSDS500's .mat files hold a cell `groundTruth`; other files hold one map, or a stack, of which
    the upper half of the values means "boundary".
    """
    if path.suffix == '.mat':
        variables = read_mat(path)
        if 'groundTruth' in variables:
            annotators = variables['groundTruth'].ravel()
            return np.stack([annotator['Boundaries'][0, 0] for annotator in annotators]) != 0
    boundaries = read_array(path, 'boundaries')
    return boundaries > (127 if boundaries.max(initial=0) > 1 else 0.5)


def read_normals(path: pathlib.Path) -> np.ndarray:
    """Normals (H, W, 3); pictures hold n = rgb / 127.5 - 1, or 0, 0, 0 where there is none."""
    values = read_array(path, 'normals')
    if values.dtype != np.uint8:
        return values
    return np.where(values.any(-1, keepdims=True), values / 127.5 - 1, 0)


def read_sbd(path: pathlib.Path, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Boundaries and regions of each class, bool (C, H, W), from an SBD `cls` or `inst` file."""
    variables = read_mat(path)
    kind = 'GTinst' if 'GTinst' in variables else 'GTcls'
    if kind not in variables:
        raise MetricError(f'{path} holds neither GTcls nor GTinst: it is no file of SBD')
    truth = variables[kind][0, 0]
    segmentation, cells = truth['Segmentation'], truth['Boundaries'].ravel()
    if kind == 'GTinst':
        classes = truth['Categories'].ravel().astype(int)
    else:
        classes = np.arange(1, len(cells) + 1)
    if classes.size and classes.max() > num_classes:
        raise MetricError(f'{path} holds class {classes.max()}: there are {num_classes}')
    boundaries = np.zeros((num_classes, *segmentation.shape), bool)
    regions = np.zeros_like(boundaries)
    for i, (label, cell) in enumerate(zip(classes, cells, strict=True), 1):
        boundaries[label - 1] |= cell.toarray() != 0
        regions[label - 1] |= segmentation == i
    return boundaries, regions


def _read_picture(path: pathlib.Path) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            array = np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise MetricError(f'{path} cannot be read as a picture: {error}') from error
    return array / SIXTEEN_BITS if array.dtype in (np.uint16, np.int32) else array


def _load(path: pathlib.Path) -> np.ndarray | dict[str, np.ndarray]:
    try:
        loaded = np.load(path, allow_pickle=False)
        return loaded if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise MetricError(f'{path} cannot be read as a NumPy file: {error}') from error
