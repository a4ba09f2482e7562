"""What a model card says of a trained network, beside its configuration."""

import pathlib
from collections.abc import Collection, Iterator, Mapping
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
        'scores': list(_scores(results, config.tasks)),
    }


def _scores(results: pathlib.Path, tasks: Collection[str]) -> Iterator[dict[str, Any]]:
    for path in sorted(results.glob('*.json')):
        result = read_json(path)
        if not isinstance(result, dict):
            raise UserError(f'{path} holds {result!r:.50}: it is not a result of evaluate')
        if result.get('task') not in tasks:
            continue
        told = ('task', 'result', 'dataset', 'split', 'images', 'protocol')
        scores = {key: x for key, x in result.items() if key not in ('protocol', 'per_class')}
        yield {key: result[key] for key in told if key in result} | {'scores': _rounded(scores)}


def _rounded(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers among them, also in dictionaries, such as recall at 100 proposals."""
    numbers = {key: round(x, 4) for key, x in scores.items() if isinstance(x, float)}
    deeper = {key: _rounded(x) for key, x in scores.items() if isinstance(x, dict)}
    return numbers | {key: x for key, x in deeper.items() if x}
