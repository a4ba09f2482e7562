"""The contents of a model card besides the configuration: training data and scores."""

import pathlib
from collections.abc import Collection, Iterator
from typing import Any

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.metrics.descriptions import read_scores
from ubernet_jax.metrics.metric import MetricError

_COPIED = ('task', 'result', 'dataset', 'split', 'images', 'protocol')  # fields of a result


def describe_training(config: Config, results: pathlib.Path) -> dict[str, Any]:
    """Returns the tasks, the names of the training data, and the scores that `evaluate` wrote.

    Args:
      config: configuration of the run.
      results: folder with the results of the exported step; without it there are no scores.

    Raises:
      UserError: a file in `results` is not a result of `evaluate`.
    """
    return {
        'tasks': list(config.tasks),
        'training_data': [f'{data.name}:{data.split}' for data in config.data.train],
        'scores': list(_scores(results, tuple(config.tasks))),
    }


def _scores(results: pathlib.Path, tasks: Collection[str]) -> Iterator[dict[str, Any]]:
    for path in sorted(results.glob('*.json')):
        plain = read_json(path)
        if not isinstance(plain, dict):
            raise UserError(f'{path} holds {plain!r:.50}, which is not a result of evaluate')
        if plain.get('task') not in tasks:
            continue
        try:
            scores = read_scores(plain, str(path))
        except MetricError as error:
            raise UserError(str(error)) from error
        defined = {score.name: round(x, 4) for score, x in scores.items() if x is not None}
        yield {key: plain[key] for key in _COPIED if key in plain} | {'scores': defined}
