"""Finds photographs, and reads pictures of many formats as 8-bit RGB arrays."""

import contextlib
import enum
import glob
import io
import os
import pathlib
import warnings
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.file_bytes import MAX_BYTES, read_bytes
from ubernet_jax.picture_arrays import to_rgb
from ubernet_jax.picture_limits import MAX_PIXELS, check_content, check_opened

# Pillow reads more formats, some by running other programs, which is unsafe for untrusted files.
FORMATS = ('AVIF', 'BMP', 'GIF', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP')
STORED_FORMATS = ('JPEG', 'PNG')  # of the images in prepared datasets

Photograph = str | os.PathLike | bytes | BinaryIO | Image.Image | np.ndarray


class Exif(enum.StrEnum):
    """How a labelled image is read if its EXIF orientation turns or mirrors it.

    Attributes:
      REFUSE: it is an error.
      APPLY: as a viewer shows it; its labels were drawn on the upright image.
      IGNORE: as its pixels are stored; its labels were drawn on these.
    """

    REFUSE = 'refuse'
    APPLY = 'apply'
    IGNORE = 'ignore'


def find_photographs(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Returns the files in `paths`; expands folders to their picture files, and patterns.

    Args:
      paths: files, folders, and patterns such as `trip/**/*.jpg`, for shells that do not expand
        them. The files of a folder or a pattern are sorted by name; hidden files are passed over.

    Raises:
      UserError: a folder contains no file with the extension of a picture, or a pattern matches
        no file.
    """
    files = []
    for path in paths:
        if path.is_dir():
            expanded = [file for file in path.iterdir() if file.suffix.lower() in _extensions()]
            expanded = [file for file in expanded if not file.name.startswith('.')]
            message = f'{path} is a folder without a picture file (.jpg, .png, ...)'
        elif glob.has_magic(str(path)) and not path.exists():
            matches = map(pathlib.Path, glob.iglob(str(path), recursive=True))
            expanded = [f for f in matches if f.is_file() and not f.name.startswith('.')]
            message = f'{path} matches no file'
        else:
            expanded, message = [path], ''
        if not expanded:
            raise UserError(message)
        files += sorted(expanded)
    return files


def read_photograph(source: Photograph) -> np.ndarray:
    """Reads a photograph as a viewer would show it.

    Applies the EXIF orientation, puts transparent pixels on white, and converts grey, palette, CMYK
    and 16-bit pictures to 8-bit RGB (16 bits are scaled, not clipped). Reads the first frame of an
    animation. Does not apply colour profiles.

    Args:
      source: the name of a file in one of `FORMATS`, its content as bytes, or an open binary file,
        which is read from its position on; a Pillow image; all of at most `MAX_PIXELS` pixels. Or
        an array uint8 (H, W, 3), RGB, which is returned unchanged; (H, W), grey; (H, W, 4), RGBA.

    Returns:
      uint8 (H, W, 3), RGB.

    Raises:
      UserError: the file is missing, not a picture, corrupt, too large or has floating-point
        values, or the array has another dtype or shape.
    """
    if isinstance(source, np.ndarray):
        return to_rgb(source)
    if isinstance(source, Image.Image):
        with _explaining('the Pillow image'):
            return _to_rgb('the Pillow image', source)
    if isinstance(source, bytes):
        return _decode('the bytes', source)
    if isinstance(source, (str, os.PathLike)):
        with open_picture(source) as image:
            return _to_rgb(source, image)
    if hasattr(source, 'read'):
        return _decode(*_read_open(source))
    raise UserError(
        'a photograph must be the name of a file, bytes, an open file, a Pillow image or an array '
        f'uint8 (H, W, 3), not of type {type(source).__name__}'
    )


def read_labelled(path: str | os.PathLike, exif: Exif) -> np.ndarray:
    """Reads a photograph whose labels are known, as `read_photograph`.

    Args:
      path: the file.
      exif: what an EXIF orientation other than upright means for the labels.

    Raises:
      UserError: as `read_photograph`, or the photograph has an EXIF orientation that is refused.
    """
    with open_picture(path) as image:
        turned = orientation(image)
        if turned != 1 and exif == Exif.REFUSE:
            raise UserError(
                f'{path}: its EXIF orientation is {turned}, which viewers apply, so that it is '
                'unknown whether its labels were drawn on the image as it is shown or as it is '
                'stored: give --exif apply (as shown; the image is turned upright) or --exif '
                'ignore (as stored), or save the image without an EXIF orientation'
            )
        if turned != 1 and exif == Exif.IGNORE and image.format == 'TIFF':
            raise UserError(  # Pillow always applies it
                f'{path}: the content of the file is TIFF, whose orientation {turned} cannot be '
                'ignored; save it as PNG or JPEG'
            )
        return _to_rgb(path, image, upright=exif != Exif.IGNORE)


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation of an open picture: 1 if it is upright, otherwise 2 to 8.

    The pixels of a PNG file are read, since the orientation may follow them.
    """
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in range(2, 9) else 1  # viewers ignore other values


def open_stored(encoded: bytes) -> Image.Image:
    """Opens the bytes of an image of a prepared dataset, in one of `STORED_FORMATS`.

    Raises:
      OSError: it is not such an image, or it is damaged; also when its pixels are read.
      ValueError: it has too many parts or pixels.
    """
    check_content(encoded)
    try:
        image = Image.open(io.BytesIO(encoded), formats=STORED_FORMATS)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f'{image.width} x {image.height} are more than {MAX_PIXELS:,} pixels')
    return image


@contextlib.contextmanager
def open_picture(path: str | os.PathLike) -> Iterator[Image.Image]:
    """Opens a picture of at most `MAX_PIXELS` pixels; its pixels are read when they are used.

    Raises:
      UserError: the file is missing, not a picture or too large, or is found corrupt while in use.
    """
    with _explaining(path), _open_content(path, _read(path)) as image:
        yield image


@contextlib.contextmanager
def _open_content(name: str | os.PathLike, content: bytes) -> Iterator[Image.Image]:
    with _explaining(name):
        check_content(content)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(name, image)
            check_opened(image)
            yield image


def _decode(name: str, content: bytes) -> np.ndarray:
    with _open_content(name, content) as image:
        return _to_rgb(name, image)


def _read(path: str | os.PathLike) -> bytes:
    try:
        return read_bytes(path)
    except FileNotFoundError:
        raise UserError(f'{path}: no such file; check the path of the picture') from None
    except OSError as error:
        raise UserError(f'{path}: the picture cannot be read: {error.strerror or error}') from error


def _read_open(file: BinaryIO) -> tuple[str, bytes]:
    """Returns the name of an open file and its content from its position on."""
    name = str(getattr(file, 'name', 'the open file'))
    content = file.read(MAX_BYTES + 1)
    if not isinstance(content, bytes):
        raise UserError(f"{name}: the file is open as text; open it with the mode 'rb'")
    if not content:
        raise UserError(
            f'{name}: nothing is left to read; was it read before? Call seek(0), or open it again'
        )
    if len(content) > MAX_BYTES:
        raise UserError(f'{name}: it has more than {MAX_BYTES:,} bytes; make it smaller')
    return name, content


@contextlib.contextmanager
def _explaining(name: str | os.PathLike) -> Iterator[None]:
    """Turns the exceptions of Pillow into errors that name the picture."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures below our limit, and of errors that it ignores.
            warnings.simplefilter('ignore')
            yield
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError(_too_large(name)) from None
    except Exception as error:  # decoders raise exceptions of any type on a corrupt file
        unknown = isinstance(error, UnidentifiedImageError)  # whose text names no file
        reason = 'its format is unknown' if unknown else error
        raise UserError(
            f'{name}: cannot be read as a picture ({type(error).__name__}: {reason}); it must be '
            'a complete JPEG, PNG, TIFF, WebP, AVIF, BMP or GIF file: copy or save it again, or '
            'leave it out'
        ) from error


def _extensions() -> set[str]:
    known = Image.registered_extensions()
    return {extension for extension, format in known.items() if format in FORMATS}


def _too_large(name: str | os.PathLike) -> str:
    return (
        f'{name}: the picture has more pixels than the limit of {MAX_PIXELS // 10**6} million '
        'pixels; scale it down first'
    )


def _check_size(name: str | os.PathLike, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UserError(f'{_too_large(name)} (it has {image.width} x {image.height})')


def _to_rgb(name: str | os.PathLike, image: Image.Image, *, upright: bool = True) -> np.ndarray:
    """Converts to uint8 (H, W, 3); `upright` applies the EXIF orientation."""
    _check_size(name, image)
    if upright and orientation(image) != 1:  # it copies the pixels of upright ones
        image = ImageOps.exif_transpose(image)
    if image.mode == 'F':
        raise UserError(
            f'{name}: its pixels are floating-point numbers, for which the value of white is not '
            'known; save it with 8 or 16 bits per channel'
        )
    if image.mode.startswith('I'):  # Pillow's conversion to RGB would clip at 255
        image = Image.fromarray(_from_16_bits(name, np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert('RGBA')
        white = Image.new('RGBA', image.size, 'white')
        image = Image.alpha_composite(white, image)
    return np.asarray(image if image.mode == 'RGB' else image.convert('RGB'))


def _from_16_bits(name: str | os.PathLike, grey: np.ndarray) -> np.ndarray:
    """Scales 0..65535 to 0..255 and rounds to the nearest; 65535 = 255 * 257."""
    low, high = int(grey.min()), int(grey.max())
    if low < 0 or high > 65535:
        raise UserError(
            f'{name}: its pixels have values from {low} to {high}, but a picture may have at most '
            '16 bits (0 to 65535) per channel; save it with 8 or 16 bits per channel'
        )
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
