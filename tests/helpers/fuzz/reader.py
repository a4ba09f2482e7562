"""A function that reads a file of unknown origin."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st


@dataclasses.dataclass(frozen=True)
class Reader:
    """A function that reads a file, and a strategy for the contents of the file.

    Attributes:
      read: takes the path; raises a UserError or a MetricError, or returns a result.
      name: name of the file.
      contents: strategy for the contents of the file.
      returns: type of the result.
      share: relative number of cases; less for slow readers and for many similar readers.
      named: whether errors name the file; otherwise the caller names it.
    """

    read: Callable[[pathlib.Path], Any]
    name: str
    contents: st.SearchStrategy[bytes]
    returns: type = np.ndarray
    share: float = 1.0
    named: bool = True
