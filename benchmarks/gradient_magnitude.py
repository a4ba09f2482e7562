"""Boundaries of the BSDS500 test images without learning: the magnitude of the smoothed gradient.

python -m benchmarks.gradient_magnitude --source BSDS500 --out gradient
"""

import argparse
import pathlib

import numpy as np
from scipy import ndimage

from benchmarks.boundary_maps import write_maps
from ubernet_jax import cli

SIGMA = 2.0  # of the Gaussian, in pixels
LUMINANCE = np.array([0.299, 0.587, 0.114])  # weights of red, green, blue (ITU-R BT.601)


def gradient_magnitude(image: np.ndarray) -> np.ndarray:
    """Maps an image uint8 (H, W, 3) to strengths (H, W); 1 is a step from black to white."""
    luminance = image @ LUMINANCE / 255
    step = 1 / (SIGMA * np.sqrt(2 * np.pi))  # magnitude at a step of height 1
    magnitude = ndimage.gaussian_gradient_magnitude(luminance, SIGMA, mode='nearest') / step
    return np.minimum(magnitude, 1)  # a corner of two steps can exceed 1


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.gradient_magnitude', description=__doc__
    )
    parser.add_argument('--source', type=pathlib.Path, required=True, help='the folder BSDS500')
    parser.add_argument('--out', type=pathlib.Path, required=True, help='output folder')
    arguments = parser.parse_args()
    write_maps(gradient_magnitude, arguments.source, arguments.out)


if __name__ == '__main__':
    cli.run(main)
