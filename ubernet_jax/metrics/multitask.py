"""How a multi-task network compares with single-task ones: delta_m (Maninis et al., CVPR 2019)."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping

from ubernet_jax.metrics.metric import MetricError, Result

LOWER_IS_BETTER = {'mae', 'mean', 'median', 'rmse'}
HEADLINE = {
    'boundaries': 'ods',
    'normals': 'mean',
    'saliency': 'max_f',
    'segmentation': 'miou',
    'parts': 'miou',
    'semantic_boundaries': 'ods',
    'detection': 'map',
}  # each task's score that goes into delta_m


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskResult(Result):
    """Relative change against single-task networks, percent; positive is better.

    Attributes:
      delta_m: mean of `per_task`.
      per_task: task -> signed relative change of its score.
    """

    delta_m: float
    per_task: Mapping[str, float]


def delta_m(
    multitask: Mapping[str, pathlib.Path], single_task: Mapping[str, pathlib.Path]
) -> MultitaskResult:
    """Compares results files task by task.

    Args:
      multitask: task -> the results JSON of the network under test.
      single_task: task -> the results JSON of the network trained for that task alone.

    Raises:
      MetricError: a file is absent or holds no such score, a task has no single-task file, or the
        two were scored by different protocols.
    """
    if not multitask:
        raise MetricError('no task to compare: give at least one results file')
    per_task, images = {}, 0
    for task, path in multitask.items():
        if task not in HEADLINE:
            raise MetricError(f'unknown task {task!r}: known are {", ".join(HEADLINE)}')
        if task not in single_task:
            raise MetricError(
                f'no single-task results for {task}: evaluate a network trained on it'
            )
        score = HEADLINE[task]
        ours, theirs = _read(path, score), _read(single_task[task], score)
        if ours['protocol'] != theirs['protocol'] or ours['images'] != theirs['images']:
            raise MetricError(f'{path} and {single_task[task]} differ in their protocol or images')
        if theirs[score] == 0:
            raise MetricError(f'{score} is 0 in {single_task[task]}: no relative change exists')
        per_task[task] = relative_change(score, ours[score], theirs[score])
        images += ours['images']
    return MultitaskResult(
        delta_m=math.fsum(per_task.values()) / len(per_task),
        per_task=per_task,
        images=images,
        protocol={
            'score': 'mean over tasks of the relative change, percent, positive is better',
            'scores': {task: HEADLINE[task] for task in per_task},
            'single_task': {task: str(single_task[task]) for task in per_task},
        },
    )


def relative_change(score: str, ours: float, theirs: float) -> float:
    """Change of a score against another, which is not 0, in percent; positive is better."""
    sign = -1 if score in LOWER_IS_BETTER else 1
    return sign * 100 * (ours - theirs) / theirs


def _read(path: pathlib.Path, score: str) -> dict:
    try:
        results = json.loads(pathlib.Path(path).read_text())
    except FileNotFoundError as error:
        raise MetricError(f'{path} does not exist: evaluate that network first') from error
    except (ValueError, RecursionError) as error:
        raise MetricError(f'{path} is not a JSON file: {error}') from error
    kinds = {score: (int, float), 'protocol': dict, 'images': int}
    for key, kind in kinds.items():
        found = results.get(key) if isinstance(results, dict) else None
        if not isinstance(found, kind):
            raise MetricError(f'{path} holds no {key!r}: it must be the results JSON of that task')
    return results
