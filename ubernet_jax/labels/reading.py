"""Reading label files: pictures, NumPy arrays and MATLAB arrays.

Every error in a file is reported as a `UserError` that names the file.
"""

import io
import pathlib
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np
from PIL import Image, ImageFile

from ubernet_jax.errors import UserError
from ubernet_jax.labels.numpy_files import read_member, read_npy
from ubernet_jax.metrics.file_bytes import read_bytes
from ubernet_jax.metrics.matlab import load_matlab
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.photographs import open_picture, orientation

T = TypeVar('T')

ARRAYS = ('.npy', '.npz', '.mat')
# Factors by which Pillow scales grey of 2 and 4 bits to 0..255.
_STEPS: dict[object, int] = {'L;2': 85, 'L;4': 17}
_LARGEST = 65535  # the largest value of 16 bits
_LISTED = 20  # arrays that a message names


def is_array(path: pathlib.Path) -> bool:
    """Whether the suffix is that of a NumPy or MATLAB file; otherwise the file is a picture."""
    return path.suffix.lower() in ARRAYS


def read_picture(path: pathlib.Path, modes: Collection[str], exact: bool = True) -> np.ndarray:
    """Reads the stored values of a picture: palette indices, and 0 and 1 of 1-bit pictures.

    Args:
      path: the file.
      modes: the Pillow modes that are allowed; `I;16` means 16-bit grey, `L` means grey of 2, 4 or
        8 bits.
      exact: whether only PNG is allowed; many other formats change values near edges.

    Raises:
      UserError: the file is not an intact picture, or its mode is not allowed.
    """
    with open_picture(path) as picture:
        if exact and picture.format != 'PNG':
            raise UserError(
                f'{path}: the content of the file is {picture.format}, which may have changed '
                'values near edges: save the original values as PNG'
            )
        mode = 'I;16' if picture.mode.startswith('I') else picture.mode
        if mode not in modes:
            raise UserError(
                f'{path}: the picture is of mode {picture.mode}; allowed for this label: '
                f'{", ".join(sorted(modes))}. Save it as {_describe_format(modes)} PNG'
            )
        # Pillow forgets the bit depth of grey values once the pixels are read.
        step = _grey_step(picture) if mode == 'L' else None
        values = np.asarray(picture)
        _refuse_turned(path, picture)
        return values // np.uint8(step) if step else values


def _refuse_turned(path: pathlib.Path, picture: Image.Image) -> None:
    """Raises a UserError if a picture, whose pixels are read, has an EXIF orientation."""
    if (turned := orientation(picture)) != 1:
        raise UserError(
            f'{path}: the EXIF orientation of the label is {turned}, so that it is unknown whether '
            'it is meant as it is stored or as viewers show it; save it without EXIF data'
        )


def _describe_format(modes: Collection[str]) -> str:
    match tuple(modes):
        case ('RGB',):
            return 'an 8-bit RGB'
        case ('I;16',):
            return 'a 16-bit grey'
        case _:
            return 'an 8-bit grey'


def _grey_step(picture: Image.Image) -> int | None:
    """Returns the factor that Pillow applied to grey values of less than 8 bits, if any."""
    assert isinstance(picture, ImageFile.ImageFile)  # it was opened from a file
    return _STEPS.get(picture.tile[0].args)


def read_grey(path: pathlib.Path) -> np.ndarray:
    """Reads a grey picture: uint8 (H, W), 0..255, or float64 (H, W), 0..1, if it has 16 bits.

    The lightest grey of any bit depth is the maximum. A palette is replaced by its colours. RGB is
    accepted if all its pixels are grey.

    Raises:
      UserError: the file is not an intact picture, is coloured, or has transparency.
    """
    with open_picture(path) as picture:
        integers, transparent = picture.mode.startswith('I'), picture.has_transparency_data
        if transparent or not (integers or picture.mode in ('1', 'L', 'P', 'RGB')):
            raise UserError(
                f'{path}: the picture is of mode {picture.mode}'
                f'{" with transparency" if transparent else ""}; a soft mask or boundary map must '
                'be grey, of 1 to 16 bits, without transparency. Save it as an 8-bit grey PNG'
            )
        picture.load()
        _refuse_turned(path, picture)
        if integers:
            return _scale_integers(path, np.asarray(picture))
        if picture.mode in ('1', 'L'):
            return np.asarray(picture.convert('L'))
        values = np.asarray(picture.convert('RGB'))
        if np.ptp(values, axis=-1).max(initial=0) > 0:
            raise UserError(
                f'{path}: the picture is coloured, but a soft mask or boundary map must be grey. '
                'Save it as an 8-bit grey PNG'
            )
        return values[..., 0]


def _scale_integers(path: pathlib.Path, values: np.ndarray) -> np.ndarray:
    lowest, highest = values.min(), values.max()
    if lowest < 0 or highest > _LARGEST:
        raise UserError(
            f'{path}: the values are from {lowest} to {highest}; allowed are 8 or 16 bits, 0 to '
            f'255 or 0 to {_LARGEST}'
        )
    return values / _LARGEST


def read_array(path: pathlib.Path, key: str = '') -> np.ndarray:
    """Reads the array of numbers in a `.npy`, `.npz` or `.mat` file.

    Args:
      path: the file.
      key: name of the array, for a file with several arrays.

    Raises:
      UserError: the file is damaged, its content is not an array of numbers, or it has several
        arrays but none with this name.
    """
    return read_named_array(path, (key,))[1]


def read_named_array(path: pathlib.Path, names: Sequence[str]) -> tuple[str, np.ndarray]:
    """Reads the array with the first of `names` that the file has; returns its name and the array.

    Raises as `read_array`.
    """
    if path.suffix.lower() == '.mat':
        variables = read_variables(path)
        arrays = {name: value for name, value in variables.items() if not name.startswith('__')}
        name, array = _pick(path, arrays, names)
    else:
        name, array = _load(path, names)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'biuf':
        raise UserError(f'{path}: an array of numbers is needed, but the file holds {array!r:.50}')
    return name, array


def read_variables(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads the variables of a MATLAB file. Raises a UserError if it is damaged."""
    try:
        return load_matlab(path)
    except MetricError as error:
        raise UserError(str(error)) from error


def _load(path: pathlib.Path, names: Sequence[str]) -> tuple[str, np.ndarray]:
    """Reads name and array from a NumPy file; the array of a `.npy` file has no name."""
    try:
        content = io.BytesIO(read_bytes(path))
        if path.suffix.lower() != '.npz':
            return '', read_npy(content)
        with zipfile.ZipFile(content) as archive:
            members = {name.removesuffix('.npy'): name for name in archive.namelist()}
            name, member = _pick(path, members, names)
            return name, read_member(archive, member)
    except UserError:
        raise
    except Exception as error:  # a damaged header, which is Python source, raises almost any type
        raise UserError(f'{path}: cannot be read as an array ({error}); save it again') from error


def _pick(path: pathlib.Path, arrays: Mapping[str, T], names: Sequence[str]) -> tuple[str, T]:
    available = list(arrays)
    default = available[0] if len(available) == 1 else None
    name = next((name for name in names if name in available), default)
    if name is None:
        named = f', or an array with the name {names[-1]!r}' if names[-1] else ''
        holds = ', '.join(available[:_LISTED]) or 'nothing'
        more = f' and {len(available) - _LISTED} more' if len(available) > _LISTED else ''
        raise UserError(f'{path} holds {holds}{more}; it must hold a single array{named}')
    return name, arrays[name]


def require_size(path: pathlib.Path, label: np.ndarray, size: tuple[int, int] | None) -> None:
    """Raises a UserError if a label (H, W, ...) does not have the `size` of its image."""
    if size is not None and label.shape[:2] != tuple(size):
        raise UserError(
            f'{path}: the label has {label.shape[1]} x {label.shape[0]}, but its image has '
            f'{size[1]} x {size[0]} (width x height); every label must have the size of its image'
        )
