"""How many cases the tests with hypothesis try.

`make test` tries some of each kind, the same each time; with FUZZ_CASES (`make fuzz`) it is that
many in all, new ones each time.
"""

import math
import os

from hypothesis import HealthCheck, settings

CASES = int(os.environ.get('FUZZ_CASES', '0'))
SHORT = 2000


def effort(share: float) -> settings:
    """Settings for a test that gets this share of all cases."""
    return settings(
        max_examples=math.ceil(share * (CASES or SHORT)),
        derandomize=not CASES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
