"""delta_m: a multi-task network compared with single-task networks (Maninis et al., CVPR 2019)."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ubernet_jax.metrics.descriptions import describe_difference, find_main, read_scores
from ubernet_jax.metrics.json_text import parse_json
from ubernet_jax.metrics.metric import MetricError, MetricResult, Score


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskResult(MetricResult):
    """Relative change against single-task networks, in percent; positive is better.

    Attributes:
      delta_m: mean of `per_task`.
      per_task: task -> signed relative change of its main score.
    """

    delta_m: float
    per_task: Mapping[str, float]


def delta_m(
    multitask: Mapping[str, pathlib.Path], single_task: Mapping[str, pathlib.Path]
) -> MultitaskResult:
    """Compares results files task by task, by the score that the files mark as main.

    Args:
      multitask: task -> results JSON of the network under test.
      single_task: task -> results JSON of the network trained for that task alone.

    Raises:
      MetricError: a file does not exist or has no main score, a task has no single-task file, or
        the two files of a task have different protocols or images.
    """
    if not multitask:
        raise MetricError('there is no task to compare: give at least one results file')
    per_task, scores, images = {}, {}, 0
    for task, path in multitask.items():
        if task not in single_task:
            raise MetricError(
                f'there are no single-task results for {task}: evaluate a network trained on it'
            )
        baseline_path = single_task[task]
        result, baseline = _read(path), _read(baseline_path)
        if result.protocol != baseline.protocol or result.images != baseline.images:
            raise MetricError(f'{path} and {baseline_path} differ in their protocol or images')
        if differences := describe_difference(result.main, baseline.main):
            raise MetricError(f'{path} and {baseline_path} differ: {"; ".join(differences)}')
        if baseline.value == 0:
            raise MetricError(
                f'{baseline.main.name} is 0 in {baseline_path}: the relative change is undefined'
            )
        per_task[task] = relative_change(result.value, baseline.value, result.main.lower_is_better)
        scores[task] = result.main.name
        images += result.images
    return MultitaskResult(
        delta_m=math.fsum(per_task.values()) / len(per_task),
        per_task=per_task,
        images=images,
        protocol={
            'score': 'mean over tasks of the relative change, percent, positive is better',
            'scores': scores,
            'single_task': {task: str(single_task[task]) for task in per_task},
        },
    )


def relative_change(value: float, baseline: float, lower_is_better: bool) -> float:
    """Returns the change of a score against a nonzero baseline, in percent; positive is better."""
    sign = -1 if lower_is_better else 1
    return sign * 100 * (value - baseline) / abs(baseline)


class _Results(NamedTuple):
    protocol: Mapping[str, Any]
    images: int
    main: Score
    value: float


def _read(path: pathlib.Path) -> _Results:
    try:
        plain = parse_json(pathlib.Path(path).read_bytes())
    except FileNotFoundError as error:
        raise MetricError(f'{path} does not exist: evaluate that network first') from error
    except (ValueError, RecursionError) as error:
        raise MetricError(f'{path} is not a JSON file: {error}') from error
    for key, kind in {'protocol': dict, 'images': int}.items():
        if not isinstance(plain, dict) or not isinstance(plain.get(key), kind):
            raise MetricError(f'{path} has no {key!r}: it must be the results JSON of a task')
    scores = read_scores(plain, str(path))
    main = find_main(scores)
    if main is None:
        raise MetricError(f'{path} has no main score: it does not enter delta_m')
    value = scores[main]
    if value is None:
        raise MetricError(
            f'{path} has no value of its main score {main.name}: it does not enter delta_m'
        )
    return _Results(plain['protocol'], plain['images'], main, value)
