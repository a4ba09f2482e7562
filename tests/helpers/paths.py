"""Where the repository and the configuration of a small run lie."""

import pathlib

ROOT = pathlib.Path(__file__).parents[2]
TINY = ROOT / 'tests' / 'helpers' / 'tiny_config.py'
