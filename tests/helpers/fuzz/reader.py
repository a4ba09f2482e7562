"""A function that reads a file from outside."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st


@dataclasses.dataclass(frozen=True)
class Reader:
    """A function of a path, and what the file there may hold.

    Attributes:
      read: raises a UserError or a MetricError, or returns a result.
      name: of the file.
      contents: what it may hold.
      returns: the result's type.
      share: of the cases; less for what is one of many alike, or slow.
      named: errors name the file; of others the caller does.
    """

    read: Callable[[pathlib.Path], Any]
    name: str
    contents: st.SearchStrategy[bytes]
    returns: type = np.ndarray
    share: float = 1.0
    named: bool = True
