"""The contents of a model card besides the configuration: training data and scores."""

import pathlib
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.metrics.descriptions import read_scores
from ubernet_jax.metrics.metric import MetricError

_COPIED = ('task', 'result', 'dataset', 'split', 'images', 'protocol')  # fields of a result


class Results(NamedTuple):
    """The results that `evaluate` wrote to a folder.

    Attributes:
      scores: results of the exported network and tasks, as in the model card.
      left_out: file -> why its result is not in the model card.
    """

    scores: list[dict[str, Any]]
    left_out: dict[pathlib.Path, str]


def select_results(folder: pathlib.Path, network: str, tasks: Collection[str]) -> Results:
    """Reads the results of a network and its exported tasks.

    Args:
      folder: folder with the results of a step; may be missing.
      network: `digest_arrays` of the network. A folder may also hold results of other networks, if
        a run was repeated or results were copied.
      tasks: the exported tasks.

    Raises:
      UserError: a file is not a result of `evaluate`.
    """
    results = Results([], {})
    for path in sorted(folder.glob('*.json')):
        plain = read_json(path)
        if not isinstance(plain, dict):
            raise UserError(f'{path} holds {plain!r:.50}, which is not a result of evaluate')
        if plain.get('network') != network:
            scored = plain.get('network', 'without a digest')
            results.left_out[path] = f'of another network ({scored!s:.50}, exported is {network})'
        elif plain.get('task') not in tasks:
            results.left_out[path] = f'of a task that is not exported ({plain.get("task")!s:.50})'
        else:
            results.scores.append(_read_scores(plain, path))
    return results


def describe_training(config: Config, scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the tasks, the names of the training data, and the scores of a run."""
    return {
        'tasks': list(config.tasks),
        'training_data': [f'{data.name}:{data.split}' for data in config.data.train],
        'scores': list(scores),
    }


def _read_scores(plain: dict[str, Any], path: pathlib.Path) -> dict[str, Any]:
    try:
        scores = read_scores(plain, str(path))
    except MetricError as error:
        raise UserError(str(error)) from error
    defined = {score.name: round(x, 4) for score, x in scores.items() if x is not None}
    return {key: plain[key] for key in _COPIED if key in plain} | {'scores': defined}
