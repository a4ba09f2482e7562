"""Arrays of pixels that are given as photographs."""

import numpy as np

from ubernet_jax.errors import UserError

_ALLOWED = 'uint8 (height, width, 3), RGB, 0 to 255; or grey, (height, width), or RGBA, 4 channels'


def to_rgb(array: np.ndarray) -> np.ndarray:
    """Converts an array to RGB: repeats grey, and puts transparent pixels on white.

    Args:
      array: uint8 (H, W) or (H, W, 1), grey; (H, W, 3), RGB, which is returned unchanged; or
        (H, W, 4), RGBA, whose colours are not multiplied by alpha.

    Returns:
      uint8 (H, W, 3).

    Raises:
      UserError: another dtype or shape, or no pixel.
    """
    if array.dtype != np.uint8:
        raise UserError(f'{_describe(array)}, but must be {_ALLOWED}: {_advise_type(array)}')
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or array.size == 0:
        raise UserError(f'{_describe(array)}, but must be {_ALLOWED}{_advise_shape(array)}')
    if channels == 3:
        return array
    if channels == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    colour, alpha = array[..., :3].astype(np.uint16), array[..., 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _describe(array: np.ndarray) -> str:
    return f'the photograph is an array {array.dtype} {array.shape}'


def _advise_type(array: np.ndarray) -> str:
    if array.dtype.kind == 'f' and array.size and 0 <= array.min() and array.max() <= 1:
        return 'its values are 0 to 1, so give (255 * array).round().astype("uint8")'
    if array.dtype == np.uint16:
        return 'for 16 bits per channel, give (array // 257).astype("uint8")'
    return 'scale its values to 0 to 255 and convert it with .astype("uint8")'


def _advise_shape(array: np.ndarray) -> str:
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        return '. The channels are first: give array.transpose(1, 2, 0)'
    if array.ndim == 4:
        return '. For several photographs, give list(array)'
    return ''
