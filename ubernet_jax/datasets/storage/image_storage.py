"""The size and the encoding of the images of a prepared dataset."""

import dataclasses
import io

import numpy as np
from PIL import Image

from ubernet_jax.datasets.storage.records import decode_image, encode_image
from ubernet_jax.example import Example
from ubernet_jax.photographs import Exif
from ubernet_jax.transforms.joint import resize

_EXIF_TEXTS = {
    Exif.REFUSE: '',
    Exif.APPLY: ', turned as their EXIF orientation says',
    Exif.IGNORE: ', without regard to their EXIF orientation',
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How images are read and changed before they are stored; by default not changed at all.

    Attributes:
      max_side: pixels; images with a longer side are scaled down to it, with their labels.
      jpeg_quality: 1 to 100; images are stored as JPEG files of this quality. None keeps the
        original file of an image, and stores scaled images as PNG.
      exif: how labelled images with an EXIF orientation are read.
    """

    max_side: int | None = None
    jpeg_quality: int | None = None
    exif: Exif = Exif.REFUSE

    def apply(self, example: Example, encoded_image: bytes) -> tuple[Example, bytes]:
        """Returns the example as it is stored, and the encoded image file."""
        if self.max_side and max(example.image.shape[:2]) > self.max_side:
            example = _shrink(example, self.max_side)
            encoded_image = encode_image(example.image)
        if self.jpeg_quality:
            encoded_image = _encode_jpeg(example.image, self.jpeg_quality)
            example = dataclasses.replace(example, image=decode_image(encoded_image))
        return example, encoded_image

    def __str__(self) -> str:
        size = f'at most {self.max_side} pixels a side' if self.max_side else 'of original size'
        encoding = f'JPEG quality {self.jpeg_quality}' if self.jpeg_quality else 'without loss'
        return f'{size}, {encoding}{_EXIF_TEXTS[Exif(self.exif)]}'


def _shrink(example: Example, max_side: int) -> Example:
    height, width = example.image.shape[:2]
    factor = max_side / max(height, width)
    return resize(example, (max(1, round(height * factor)), max(1, round(width * factor))))


def _encode_jpeg(image: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format='jpeg', quality=quality)
    return buffer.getvalue()
