"""What a model card says of a trained network, beside its configuration."""

import pathlib
from collections.abc import Iterator
from typing import Any

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json


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
        'scores': list(_scores(results)),
    }


def _scores(results: pathlib.Path) -> Iterator[dict[str, Any]]:
    for path in sorted(results.glob('*.json')):
        result = read_json(path)
        if not isinstance(result, dict):
            raise UserError(f'{path} holds {result!r:.50}: it is not a result of evaluate')
        numbers = {key: round(x, 4) for key, x in result.items() if isinstance(x, float)}
        told = ('task', 'dataset', 'split', 'images', 'protocol')
        yield {key: result[key] for key in told if key in result} | {'scores': numbers}
