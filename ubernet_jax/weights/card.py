"""What a model card says of a trained network, beside its configuration."""

import pathlib
from collections.abc import Collection, Iterator
from typing import Any

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.metrics.descriptions import read_scores
from ubernet_jax.metrics.metric import MetricError


def describe_training(config: Config, results: pathlib.Path) -> dict[str, Any]:
    """Names of the training data, and the scores that `evaluate` wrote.

    Args:
      config: of the run.
      results: folder of the results of the exported step; no scores if it is not there.

    Raises:
      UserError: a file there is none of its results.
    """
    return {
        'tasks': list(config.tasks),
        'training_data': [f'{data.name}:{data.split}' for data in config.data.train],
        'scores': list(_scores(results, tuple(config.tasks))),
    }


def _scores(results: pathlib.Path, tasks: Collection[str]) -> Iterator[dict[str, Any]]:
    told = ('task', 'result', 'dataset', 'split', 'images', 'protocol')
    for path in sorted(results.glob('*.json')):
        plain = read_json(path)
        if not isinstance(plain, dict):
            raise UserError(f'{path} holds {plain!r:.50}: it is not a result of evaluate')
        if plain.get('task') not in tasks:
            continue
        try:
            scores = read_scores(plain, str(path))
        except MetricError as error:
            raise UserError(str(error)) from error
        defined = {score.name: round(x, 4) for score, x in scores.items() if x is not None}
        yield {key: plain[key] for key in told if key in plain} | {'scores': defined}
