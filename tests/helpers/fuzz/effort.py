"""The number of cases that the tests with hypothesis try.

`make test` tries a fixed selection of `SHORT` cases in total. With FUZZ_CASES (`make fuzz`) the
tests try that number of cases in total, different cases each time.
"""

import math
import os

from hypothesis import HealthCheck, settings

CASES = int(os.environ.get('FUZZ_CASES', '0'))
SHORT = 2000


def effort(share: float) -> settings:
    """Settings for a test that tries this share of all cases."""
    return settings(
        max_examples=math.ceil(share * (CASES or SHORT)),
        derandomize=not CASES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
