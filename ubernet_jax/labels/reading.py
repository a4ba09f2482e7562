"""Reading label files: pictures, NumPy and MATLAB arrays, each in one guarded way.

Whatever is wrong with a file is a `UserError` that names it.
"""

import pathlib
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.matlab import load_matlab
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.photographs import open_picture

ARRAYS = ('.npy', '.npz', '.mat')
_STEPS = {'L;2': 85, 'L;4': 17}  # by which Pillow spreads grey of 2 and of 4 bits over 0 to 255
_SAVED = {('RGB',): 'an 8-bit RGB', ('I;16',): 'a 16-bit grey'}
_LARGEST = 65535  # of 16 bits


def is_array(path: pathlib.Path) -> bool:
    """Whether a file is of NumPy or MATLAB, by its ending; else it is a picture."""
    return path.suffix.lower() in ARRAYS


def read_picture(path: pathlib.Path, modes: Collection[str], exact: bool = True) -> np.ndarray:
    """The values of a picture as they are stored: of a palette the indices, 1 bit as 0 and 1.

    Args:
      path: the file.
      modes: Pillow's, that are allowed; `I;16` stands for grey of 16 bits, `L` for that of 2, 4 and
        8.
      exact: whether only PNG is allowed; of other formats many change values near edges.

    Raises:
      UserError: the file is no whole picture, or of another mode.
    """
    with open_picture(path) as picture:
        if exact and picture.format != 'PNG':
            raise UserError(
                f'{path}: the file is a {picture.format}, whatever its name says, and may have '
                'changed values near edges: save it as PNG, from the original values'
            )
        mode = 'I;16' if picture.mode.startswith('I') else picture.mode
        if mode not in modes:
            raise UserError(
                f'{path}: the picture is of mode {picture.mode}; allowed for this label: '
                f'{", ".join(sorted(modes))}. Save it as '
                f'{_SAVED.get(tuple(modes), "an 8-bit grey")} PNG'
            )
        # How the file packs grey is known only until its pixels are read.
        step = _STEPS.get(picture.tile[0].args) if mode == 'L' else None
        values = np.asarray(picture)
        return values // np.uint8(step) if step else values


def read_grey(path: pathlib.Path) -> np.ndarray:
    """A picture of strengths: uint8 (H, W), 0..255; of 16 bits float64 (H, W), 0..1.

    The lightest grey of any depth is full strength. A palette stands for its colours. RGB is taken
    where it is grey.

    Raises:
      UserError: the file is no whole picture, is coloured, or has transparency.
    """
    with open_picture(path) as picture:
        integers, clear = picture.mode.startswith('I'), picture.has_transparency_data
        if clear or not (integers or picture.mode in ('1', 'L', 'P', 'RGB')):
            raise UserError(
                f'{path}: the picture is of mode {picture.mode}{" with transparency" * clear}; a '
                'map of strengths is grey, of 1 to 16 bits, without transparency. Save it as an '
                '8-bit grey PNG'
            )
        if integers:
            return _scale_integers(path, np.asarray(picture))
        if picture.mode in ('1', 'L'):
            return np.asarray(picture.convert('L'))
        values = np.asarray(picture.convert('RGB'))
        if np.ptp(values, axis=-1).max(initial=0) > 0:
            raise UserError(
                f'{path}: the picture is coloured, but a map of strengths is grey. Save it as an '
                '8-bit grey PNG'
            )
        return values[..., 0]


def _scale_integers(path: pathlib.Path, values: np.ndarray) -> np.ndarray:
    lowest, highest = values.min(), values.max()
    if lowest < 0 or highest > _LARGEST:
        raise UserError(
            f'{path}: values from {lowest} to {highest}; allowed are 8 or 16 bits, 0 to 255 or 0 '
            f'to {_LARGEST}'
        )
    return values / _LARGEST


def read_array(path: pathlib.Path, key: str = '') -> np.ndarray:
    """The array of numbers in a `.npy`, `.npz` or `.mat` file.

    Args:
      path: the file.
      key: the array's name where the file holds several.

    Raises:
      UserError: the file is broken, or holds something else than one array of numbers, or none of
        that name among several.
    """
    return read_named_array(path, (key,))[1]


def read_named_array(path: pathlib.Path, names: Sequence[str]) -> tuple[str, np.ndarray]:
    """As `read_array`, of the first of some names that the file has; also its name there."""
    if path.suffix.lower() == '.mat':
        variables = read_variables(path)
        arrays = {name: value for name, value in variables.items() if not name.startswith('__')}
        name, array = _pick(path, arrays, names)
    else:
        name, array = _load(path, names)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'biuf':
        raise UserError(f'{path}: an array of numbers is needed, but it holds {array!r:.50}')
    return name, array


def read_variables(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The variables of a MATLAB file. Raises a UserError if it is broken."""
    try:
        return load_matlab(path)
    except MetricError as error:
        raise UserError(str(error)) from error


def _load(path: pathlib.Path, names: Sequence[str]) -> tuple[str, np.ndarray]:
    """From a file of NumPy; the array of a `.npy` file has no name."""
    try:
        with path.open('rb') as file:
            if path.suffix.lower() == '.npz':
                with np.load(file, allow_pickle=False) as arrays:
                    return _pick(path, arrays, names)
            return '', np.lib.format.read_array(file, allow_pickle=False)
    except UserError:
        raise
    except Exception as error:  # the header is Python, so a damaged one raises nearly any type
        raise UserError(f'{path}: cannot be read as an array ({error}); save it again') from error


def _pick(
    path: pathlib.Path, arrays: Mapping[str, np.ndarray], names: Sequence[str]
) -> tuple[str, np.ndarray]:
    found = list(arrays)
    name = next((name for name in names if name in found), found[0] if len(found) == 1 else None)
    if name is None:
        raise UserError(
            f'{path} holds {", ".join(found) or "nothing"}: a single array, or one named '
            f'{names[-1] or "as the task"!r}, is needed'
        )
    return name, arrays[name]


def require_size(path: pathlib.Path, label: np.ndarray, size: tuple[int, int] | None) -> None:
    """Raises a UserError where a label (H, W, ...) has not the `size` of its image."""
    if size is not None and label.shape[:2] != tuple(size):
        raise UserError(
            f'{path}: the label has {label.shape[1]} x {label.shape[0]}, but its image has '
            f'{size[1]} x {size[0]} (width x height); every label must have the size of its image'
        )
