"""Any picture as the plain RGB array that everything else works on."""

import contextlib
import glob
import os
import pathlib
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image, ImageOps

from ubernet_jax.errors import UserError

MAX_PIXELS = 64_000_000  # more is taken for a decompression bomb: 192 MB as an RGB array
# Pillow reads many more, some by running other programs: not what a stranger's file should do.
FORMATS = ('AVIF', 'BMP', 'GIF', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TIFF', 'WEBP')

Photograph = str | os.PathLike | Image.Image | np.ndarray


def find_photographs(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """The files among `paths`; of a folder its picture files, of a pattern the files it matches.

    Args:
      paths: files, folders, and patterns such as `trip/**/*.jpg`, for shells that leave them as
        they are. What comes of a folder or a pattern is sorted by name.

    Raises:
      UserError: a folder holds no file with the ending of a picture, or a pattern matches none.
    """
    files = []
    for path in paths:
        if path.is_dir():
            found = [file for file in path.iterdir() if file.suffix.lower() in _endings()]
            nothing = f'{path} is a folder without a picture file (.jpg, .png, ...)'
        elif glob.has_magic(str(path)) and not path.exists():
            matches = map(pathlib.Path, glob.iglob(str(path), recursive=True))
            found = [file for file in matches if file.is_file()]
            nothing = f'{path} matches no file'
        else:
            found, nothing = [path], ''
        if not found:
            raise UserError(nothing)
        files += sorted(found)
    return files


def read_photograph(source: Photograph) -> np.ndarray:
    """Reads a photograph as a person would see it.

    EXIF rotation is applied, transparency lies on white, and grey, palette, CMYK and 16-bit
    pictures become 8-bit RGB (16 bits are scaled, not clipped). Of an animation it is the first
    frame. Colour profiles are not applied.

    Args:
      source: a file of one of `FORMATS`, or a Pillow image, of at most `MAX_PIXELS` pixels; or an
        array uint8 (H, W, 3), RGB, which is returned as it is.

    Returns:
      uint8 (H, W, 3), RGB.

    Raises:
      UserError: the file is missing, not a picture, broken, too large or of floating-point values,
        or the array is of another kind.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        with _explaining('the Pillow image'):
            return _to_rgb('the Pillow image', source)
    if not isinstance(source, (str, os.PathLike)):
        raise UserError(
            f'a {type(source).__name__} is no photograph: give a file, a Pillow image or an array '
            'uint8 (H, W, 3)'
        )
    with open_picture(source) as image:
        return _to_rgb(source, image)


@contextlib.contextmanager
def open_picture(path: str | os.PathLike) -> Iterator[Image.Image]:
    """Opens a picture of at most `MAX_PIXELS` pixels, which are read when they are used.

    Raises:
      UserError: the file is missing, not a picture or too large, or while in use turns out broken.
    """
    with _explaining(path), Image.open(path, formats=FORMATS) as image:
        _check_size(path, image)
        yield image


@contextlib.contextmanager
def _explaining(name: str | os.PathLike) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures below our own limit, and of faults it reads past.
            warnings.simplefilter('ignore')
            yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f'{name}: there is no such file; check the path of the picture') from None
    except Image.DecompressionBombError:
        raise UserError(_too_large(name)) from None
    except Exception as error:  # decoders raise nearly any type on a broken file
        raise UserError(
            f'{name}: cannot be read as a picture ({type(error).__name__}: {error}); it must be '
            'a whole JPEG, PNG, TIFF, WebP, AVIF, BMP or GIF file: copy or save it again, or leave '
            'it out'
        ) from error


def _endings() -> set[str]:
    return {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}


def _check_array(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise UserError(
            f'an array of {array.dtype} {array.shape} was given as a photograph: '
            'it must be uint8 (height, width, 3), RGB, 0 to 255'
        )
    return array


def _too_large(name: str | os.PathLike) -> str:
    return (
        f'{name}: the picture has more than the {MAX_PIXELS // 10**6} million pixels allowed; '
        'make it smaller first'
    )


def _check_size(name: str | os.PathLike, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UserError(f'{_too_large(name)} (it has {image.width} x {image.height})')


def _to_rgb(name: str | os.PathLike, image: Image.Image) -> np.ndarray:
    _check_size(name, image)
    image = ImageOps.exif_transpose(image)
    if image.mode == 'F':
        raise UserError(
            f'{name}: its pixels are floating-point numbers, whose white is not known; '
            'save it with 8 or 16 bits a channel'
        )
    if image.mode.startswith('I'):  # Pillow's own conversion to RGB would clip at 255
        image = Image.fromarray(_from_16_bits(name, np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert('RGBA')
        white = Image.new('RGBA', image.size, 'white')
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert('RGB'))


def _from_16_bits(name: str | os.PathLike, grey: np.ndarray) -> np.ndarray:
    """0..65535 as 0..255, rounded to the nearest: 65535 = 255 * 257."""
    low, high = int(grey.min()), int(grey.max())
    if low < 0 or high > 65535:
        raise UserError(
            f'{name}: its pixels have values from {low} to {high}, but a picture may have at most '
            '16 bits (0 to 65535) a channel; save it with 8 or 16 bits'
        )
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
