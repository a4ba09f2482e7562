"""Scores prediction files: python -m ubernet_jax.metrics TASK PREDICTIONS GROUND_TRUTH."""

import sys

from ubernet_jax.scoring.command import main

if __name__ == '__main__':
    sys.exit(main())
