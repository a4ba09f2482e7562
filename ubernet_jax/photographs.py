"""Any picture file as the plain RGB array that everything else works on."""

import contextlib
import os
import pathlib
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image, ImageOps

from ubernet_jax.errors import UserError

MAX_PIXELS = 100_000_000  # more is taken for a decompression bomb: 300 MB as an RGB array


def find_photographs(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """The files among `paths`, and of each folder the picture files in it, sorted by name.

    Raises:
      UserError: a folder holds no file with the ending of a picture.
    """
    files = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        endings = Image.registered_extensions()
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in endings)
        if not found:
            raise UserError(f'{path} is a folder without a picture file (.jpg, .png, ...)')
        files += found
    return files


def read_photograph(path: str | os.PathLike) -> np.ndarray:
    """Reads a photograph as a person would see it.

    EXIF rotation is applied, transparency lies on white, and grey, palette, CMYK and 16-bit
    pictures become 8-bit RGB (16 bits are scaled, not clipped). Of an animation it is the first
    frame. Colour profiles are not applied.

    Args:
      path: a file of any format Pillow reads, of at most `MAX_PIXELS` pixels.

    Returns:
      uint8 (H, W, 3), RGB.

    Raises:
      UserError: the file is missing, not a picture, broken, too large or of floating-point values.
    """
    with open_picture(path) as image:
        return _to_rgb(path, ImageOps.exif_transpose(image))


@contextlib.contextmanager
def open_picture(path: str | os.PathLike) -> Iterator[Image.Image]:
    """Opens a picture of at most `MAX_PIXELS` pixels, which are read when they are used.

    Raises:
      UserError: the file is missing, not a picture or too large, or while in use turns out broken.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures below our own limit, and of faults it reads past.
            warnings.simplefilter('ignore')
            with Image.open(path) as image:
                _check_size(path, image.size)
                yield image
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f'{path}: there is no such file; check the path of the picture') from None
    except Image.DecompressionBombError:
        raise UserError(_too_large(path)) from None
    except Exception as error:  # decoders raise nearly any type on a broken file
        raise UserError(
            f'{path}: cannot be read as a picture ({type(error).__name__}: {error}); it must be a '
            'whole JPEG, PNG, TIFF, WebP, BMP or GIF file: copy or save it again, or leave it out'
        ) from error


def _check_size(path: str | os.PathLike, size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise UserError(f'{_too_large(path)} (it has {size[0]} x {size[1]})')


def _too_large(path: str | os.PathLike) -> str:
    return (
        f'{path}: the picture has more than the {MAX_PIXELS // 10**6} million pixels allowed; '
        'make it smaller first'
    )


def _to_rgb(path: str | os.PathLike, image: Image.Image) -> np.ndarray:
    if image.mode == 'F':
        raise UserError(
            f'{path}: its pixels are floating-point numbers, whose white is not known; '
            'save it with 8 or 16 bits a channel'
        )
    if image.mode.startswith('I'):  # Pillow's own conversion to RGB would clip at 255
        image = Image.fromarray(_from_16_bits(path, np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert('RGBA')
        white = Image.new('RGBA', image.size, 'white')
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert('RGB'))


def _from_16_bits(path: str | os.PathLike, grey: np.ndarray) -> np.ndarray:
    """0..65535 as 0..255, rounded to the nearest: 65535 = 255 * 257."""
    low, high = int(grey.min()), int(grey.max())
    if low < 0 or high > 65535:
        raise UserError(
            f'{path}: its pixels have values from {low} to {high}, but a picture may have at most '
            '16 bits (0 to 65535) a channel; save it with 8 or 16 bits'
        )
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
