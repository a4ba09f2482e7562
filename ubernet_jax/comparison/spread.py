"""Mean, standard deviation and confidence interval of a number over runs."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Spread(NamedTuple):
    """A number over runs.

    Attributes:
      mean: over the runs.
      deviation: standard deviation over the runs (n - 1); None for a single run.
      interval: confidence interval of the mean over all possible seeds, if the runs are normally
        distributed (Student's t, n - 1); None for a single run.
    """

    mean: float
    deviation: float | None = None
    interval: Interval | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> 'Spread':
        """Returns the spread of at least one value."""
        mean, count = statistics.fmean(values), len(values)
        if count == 1:
            return cls(mean)
        deviation = statistics.stdev(values)
        t = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
        half_width = t * deviation / math.sqrt(count)
        return cls(mean, deviation, Interval(mean - half_width, mean + half_width))
