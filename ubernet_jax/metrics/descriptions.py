"""Scores read from results files, which describe them: the inverse of `MetricResult.to_json`."""

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ubernet_jax.metrics.metric import MetricError, Score


def read_scores(plain: Mapping[str, Any], what: str) -> dict[Score, float | None]:
    """The scores of a result, in their order; None is one that is undefined.

    Args:
      plain: the result in JSON.
      what: the file, for errors.

    Raises:
      MetricError: it does not describe its scores, or not as `MetricResult.to_json` does.
    """
    listed = plain.get('scores')
    if not isinstance(listed, list):
        raise MetricError(
            f'{what} does not describe its scores: it was written by a version before 0.2. '
            'Evaluate the network again, or read the file with ubernet_jax 0.1'
        )
    scores = dict(_read_score(one, f'{what}: score {number}') for number, one in enumerate(listed))
    if len({score.name for score in scores}) < len(listed):
        raise MetricError(f'{what} has two scores of one name')
    if sum(score.main for score in scores) > 1:
        raise MetricError(f'{what} marks several scores as main; one can be')
    return scores


def find_main(scores: Iterable[Score]) -> Score | None:
    """The score that enters delta_m; None where no score does."""
    return next((score for score in scores if score.main), None)


def describe_difference(ours: Score, theirs: Score) -> list[str]:
    """Lines `field of NAME: OURS, not THEIRS`; how tables call a score may differ."""
    return [
        f'{field} of {ours.name}: {getattr(ours, field)!r}, not {getattr(theirs, field)!r}'
        for field in ('name', 'unit', 'lower_is_better', 'main')
        if getattr(ours, field) != getattr(theirs, field)
    ]


def _read_score(plain: Any, what: str) -> tuple[Score, float | None]:
    fields = dataclasses.fields(Score)
    if not isinstance(plain, Mapping) or not all(
        isinstance(plain.get(field.name), field.type) for field in fields
    ):
        raise MetricError(
            f'{what} must have texts as name, label and unit, true or false as lower_is_better and '
            f'main, not {json.dumps(plain):.80}'
        )
    value = plain.get('value', math.nan)
    if value is not None and not _is_finite(value):
        raise MetricError(f'{what}, {plain["name"]!r:.50}, has no number or null as its value')
    score = Score(**{field.name: plain[field.name] for field in fields})
    return score, None if value is None else float(value)


def _is_finite(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return isinstance(value, float) and math.isfinite(value)
