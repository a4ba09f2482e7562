"""Fingerprints, which recognise a photograph under another name, size or JPEG quality.

A fingerprint is a perceptual hash: which of the 16 x 16 lowest frequencies of the grey picture,
scaled to 64 x 64 pixels, are above their median (as pHash; Zauner, 2010, "Implementation and
Benchmarking of Perceptual Image Hash Functions"). It has 256 bits; the distance is the number of
bits that differ. `MAX_DISTANCE` separates the distances measured on BSDS500, 930 photographs of
VOC2012, 500 of PASCAL-S, and 390 more of clothes and of a kitchen (50 of these for changes):

| pairs | distance |
|---|---|
| the same photograph in PASCAL-S and VOC2012, 500 pairs | 0 |
| saved again as JPEG of quality 50; of quality 10; as a grey picture | up to 6; 12; 4 |
| scaled to a half; to a quarter; to 321 x 321; brighter by a fifth | up to 14; 18; 14; 18 |
| cropped by one pixel on each side; by 2 % | up to 16; 48 |
| neighbouring frames of a video | from 8 |
| two photographs, 2.7 million pairs: nearest; mean and standard deviation | 80; 127, 8 |
| two synthetic scenes: nearest of 3160 pairs | 82 |

With 64 bits the nearest two photographs were at distance 10, with a difference hash of 256 bits at
25. A flipped, rotated or tightly cropped photograph is not recognised.

Fingerprints are stored beside the records: a change to them needs a new `records.VERSION`.
"""

import numpy as np
from PIL import Image
from scipy import fft

from ubernet_jax.photographs import open_stored

MAX_DISTANCE = 48  # maximum number of differing bits between copies of a photograph

_SIDE = 64  # pixels
_FREQUENCIES = 16


def fingerprint(encoded: bytes) -> np.ndarray:
    """Computes the fingerprint of an image file, uint64 (4,)."""
    with open_stored(encoded) as picture:
        picture.draft('L', (2 * _SIDE, 2 * _SIDE))  # a JPEG is decoded no larger than needed
        small = picture.convert('L').resize((_SIDE, _SIDE), Image.Resampling.BOX)
    spectrum = np.asarray(fft.dctn(np.asarray(small, np.float32)))
    frequencies = spectrum[:_FREQUENCIES, :_FREQUENCIES].ravel()
    return np.packbits(frequencies > np.median(frequencies)).view(np.uint64)


def find_nearest(query: np.ndarray, candidates: np.ndarray) -> int | None:
    """Returns the index of the nearest candidate within `MAX_DISTANCE`; None if there is none.

    Args:
      query: fingerprint, uint64 (4,).
      candidates: fingerprints, uint64 (n, 4).
    """
    if not len(candidates):
        return None
    differing = np.bitwise_count(candidates ^ query)  # uint8, at most 64 per word
    distances = differing.sum(axis=1, dtype=np.uint16)
    nearest = int(distances.argmin())
    return nearest if distances[nearest] <= MAX_DISTANCE else None
