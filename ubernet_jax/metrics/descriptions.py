"""Reads scores and their descriptions from results files: the inverse of `MetricResult.to_json`."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from ubernet_jax.metrics.metric import MetricError, Score

_FIELD_TYPES = get_type_hints(Score)


def read_scores(plain: Mapping[str, Any], what: str) -> dict[Score, float | None]:
    """Reads the scores of a result, in their order; an undefined score is None.

    Args:
      plain: the result as parsed JSON.
      what: the file, for error messages.

    Raises:
      MetricError: the scores are not described as `MetricResult.to_json` writes them.
    """
    listed = plain.get('scores')
    if not isinstance(listed, list):
        raise MetricError(
            f"{what} has no list 'scores' that describes its scores: it was written by a version "
            'before 0.2. Evaluate the network again, or read the file with ubernet_jax 0.1'
        )
    scores = dict(
        _read_score(score, f'{what}: score {number}') for number, score in enumerate(listed)
    )
    if len({score.name for score in scores}) < len(listed):
        raise MetricError(f'{what} has two scores of the same name')
    if sum(score.main for score in scores) > 1:
        raise MetricError(f'{what} marks several scores as main; only one is allowed')
    return scores


def find_main(scores: Iterable[Score]) -> Score | None:
    """Returns the score that enters delta_m; None if no score does."""
    return next((score for score in scores if score.main), None)


def describe_difference(ours: Score, theirs: Score) -> list[str]:
    """Returns lines `FIELD of NAME: OURS, not THEIRS`; the labels in tables may differ."""
    return [
        f'{field} of {ours.name}: {getattr(ours, field)!r}, not {getattr(theirs, field)!r}'
        for field in ('name', 'unit', 'lower_is_better', 'main')
        if getattr(ours, field) != getattr(theirs, field)
    ]


def read_description(plain: Any, what: str) -> Score:
    """Reads the description of a score.

    Args:
      plain: the parsed JSON; further keys are ignored.
      what: the beginning of error messages.

    Raises:
      MetricError: it is not such a description.
    """
    if not isinstance(plain, Mapping) or not all(
        isinstance(plain.get(name), kind) for name, kind in _FIELD_TYPES.items()
    ):
        raise MetricError(
            f'{what} must have strings as name, label and unit, and true or false as '
            f'lower_is_better and main; it is {json.dumps(plain):.80}'
        )
    return Score(**{name: plain[name] for name in _FIELD_TYPES})


def is_finite(value: Any) -> bool:
    """Returns whether a value of parsed JSON is a number in the range of float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return isinstance(value, float) and math.isfinite(value)


def _read_score(plain: Any, what: str) -> tuple[Score, float | None]:
    score = read_description(plain, what)
    value = plain.get('value', math.nan)
    if value is not None and not is_finite(value):
        raise MetricError(f'{what}, {score.name!r:.50}: its value must be a finite number or null')
    return score, None if value is None else float(value)
