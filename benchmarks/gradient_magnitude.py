"""Boundaries of the BSDS500 test images without any learning: the smoothed gradient's magnitude.

python -m benchmarks.gradient_magnitude --source BSDS500 --out gradient
"""

import argparse
import pathlib

import numpy as np
from scipy import ndimage

from benchmarks.boundary_maps import write_maps
from ubernet_jax import cli

SIGMA = 2.0  # of the Gaussian, in pixels
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green, blue (ITU-R BT.601)


def gradient_magnitude(image: np.ndarray) -> np.ndarray:
    """Maps an image uint8 (H, W, 3) to (H, W); 1 is the step from black to white."""
    luminance = image @ LUMINANCE / 255
    step = 1 / (SIGMA * np.sqrt(2 * np.pi))  # what a step of height 1 gives
    magnitude = ndimage.gaussian_gradient_magnitude(luminance, SIGMA, mode='nearest') / step
    return np.minimum(magnitude, 1)  # a corner of two steps can exceed one


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.gradient_magnitude', description=__doc__
    )
    parser.add_argument('--source', type=pathlib.Path, required=True, help='the folder BSDS500')
    parser.add_argument('--out', type=pathlib.Path, required=True, help='where the maps go')
    arguments = parser.parse_args()
    write_maps(gradient_magnitude, arguments.source, arguments.out)


if __name__ == '__main__':
    cli.run(main)
