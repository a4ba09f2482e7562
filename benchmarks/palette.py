"""How far apart the class colours are, also for viewers without red or green cones.

    python -m benchmarks.palette

Colour vision is simulated by Machado et al., "A Physiologically-based Model for Simulation of Color
Vision Deficiency" (IEEE TVCG 15(6), 2009), at severity 1; distances are CIEDE2000 (Sharma et al.,
Color Research & Application 30(1), 2005; 1 is just noticeable side by side).
"""

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from ubernet_jax.visualize.palette import SAFE_PALETTE, VOC_PALETTE

COUNTS = (8, 12, 20)
# From linear RGB to linear RGB; the tables of the paper at severity 1.
VISION = {
    'trichromacy': np.eye(3),
    'protanopia': np.array([
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    'deuteranopia': np.array([
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
}  # fmt: skip


def simulate(colours: np.ndarray, vision: str) -> np.ndarray:
    """Returns what a viewer sees: sRGB, float (n, 3), 0..1.

    Args:
      colours: uint8 (n, 3), sRGB.
      vision: a key of `VISION`.
    """
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ VISION[vision].T, 0, 1)
    return np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)


def distances(colours: np.ndarray, vision: str) -> np.ndarray:
    """Returns the distance of each pair of colours uint8 (n, 3); float (n * (n - 1) / 2,)."""
    lab = rgb2lab(simulate(colours, vision))
    first, second = np.triu_indices(len(colours), 1)
    return deltaE_ciede2000(lab[first], lab[second])


def main() -> None:
    print('| palette | classes | vision | smallest distance | pairs below 10 |')
    print('|---|---|---|---|---|')
    for name, palette in (('safe', SAFE_PALETTE), ('VOC', VOC_PALETTE)):
        for count in COUNTS:
            for vision in VISION:
                found = distances(palette[1 : 1 + count], vision)
                below = f'{(found < 10).sum()} of {len(found)}'
                print(f'| {name} | {count} | {vision} | {found.min():.1f} | {below} |')


if __name__ == '__main__':
    main()
