"""Reading label files: pictures, NumPy and MATLAB arrays, each in one guarded way.

Whatever is wrong with a file is a `UserError` that names it.
"""

import pathlib
from collections.abc import Collection

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.matlab import load_matlab
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.photographs import open_picture

ARRAYS = ('.npy', '.npz', '.mat')
LOSSY = ('JPEG', 'WEBP')  # formats whose files may not hold the values that were saved


def read_picture(path: pathlib.Path, modes: Collection[str], lossless: bool = True) -> np.ndarray:
    """The values of a picture as they are stored: of a palette the indices, 1 bit as 0 and 1.

    Args:
      path: the file.
      modes: Pillow's, that are allowed; one that ends in `;16` stands for all of 16 bits.
      lossless: whether a lossy format is refused, in which values near edges are invented.

    Raises:
      UserError: the file is no whole picture, or of another mode.
    """
    with open_picture(path) as picture:
        if lossless and picture.format in LOSSY:
            raise UserError(
                f'{path}: the file is a {picture.format}, which changes values near edges: save '
                'the label as PNG, from the original values'
            )
        mode = 'I;16' if picture.mode.startswith('I') else picture.mode
        if mode not in modes:
            raise UserError(
                f'{path}: the picture is of mode {picture.mode}; allowed for this label: '
                f'{", ".join(sorted(modes))}. Save it as an 8-bit grey PNG'
            )
        return np.asarray(picture)


def read_grey(path: pathlib.Path) -> np.ndarray:
    """A picture of strengths: uint8 (H, W), 0..255; of 16 bits float32 (H, W), 0..1.

    A palette stands for its colours, and 1 bit for 0 and 255. RGB is taken where it is grey.

    Raises:
      UserError: the file is no whole picture, is coloured, or has transparency.
    """
    with open_picture(path) as picture:
        if picture.mode.startswith('I'):
            values = np.asarray(picture)
            if values.min() < 0 or values.max() > 65535:
                raise UserError(
                    f'{path}: values from {values.min()} to {values.max()}; allowed are 8 or 16 '
                    'bits, 0 to 255 or 0 to 65535'
                )
            return (values / 65535).astype(np.float32)
        if picture.mode == 'P' and 'transparency' not in picture.info:
            picture = picture.convert('RGB')
        if picture.mode in ('1', 'L'):
            return np.asarray(picture.convert('L'))
        if picture.mode != 'RGB':
            raise UserError(
                f'{path}: the picture is of mode {picture.mode}; a map of strengths is grey, of 1, '
                '8 or 16 bits, without transparency. Save it as an 8-bit grey PNG'
            )
        values = np.asarray(picture)
        if np.ptp(values, axis=-1).max(initial=0) > 0:
            raise UserError(
                f'{path}: the picture is coloured, but a map of strengths is grey. Save it as an '
                '8-bit grey PNG'
            )
        return values[..., 0]


def read_array(path: pathlib.Path, key: str = '') -> np.ndarray:
    """The array of numbers in a `.npy`, `.npz` or `.mat` file.

    Args:
      path: the file.
      key: the array's name where the file holds several.

    Raises:
      UserError: the file is broken, or holds something else than one array of numbers, or none of
        that name among several.
    """
    arrays = _load(path)
    if key not in arrays and len(arrays) != 1:
        raise UserError(
            f'{path} holds {", ".join(arrays) or "nothing"}: a single array, or one named '
            f'{key or "as the task"!r}, is needed'
        )
    array = arrays.get(key, next(iter(arrays.values())))
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'biuf':
        raise UserError(f'{path}: an array of numbers is needed, but it holds {array!r:.50}')
    return array


def read_variables(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The variables of a MATLAB file. Raises a UserError if it is broken."""
    try:
        return load_matlab(path)
    except MetricError as error:
        raise UserError(str(error)) from error


def _load(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Arrays by name; that of a `.npy` file has none."""
    if path.suffix == '.mat':
        return {k: value for k, value in read_variables(path).items() if not k.startswith('__')}
    try:
        if path.suffix == '.npz':
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        with path.open('rb') as file:
            return {'': np.lib.format.read_array(file, allow_pickle=False)}
    except Exception as error:  # the header is Python, so a damaged one raises nearly any type
        raise UserError(f'{path}: cannot be read as an array ({error}); save it again') from error


def require_size(path: pathlib.Path, label: np.ndarray, size: tuple[int, int] | None) -> None:
    """Raises a UserError where a label (H, W, ...) has not the `size` of its image."""
    if size is not None and label.shape[:2] != tuple(size):
        raise UserError(
            f'{path}: the label has {label.shape[1]} x {label.shape[0]}, but its image has '
            f'{size[1]} x {size[0]} (width x height); every label must have the size of its image'
        )
