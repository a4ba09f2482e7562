"""What may differ between stopping and resuming a run."""

import pathlib
from collections.abc import Sequence
from typing import Any

from ubernet_jax.config import Config, Leaks, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.training.data_description import Description, describe_changes

# Fields that may change between stopping and resuming: they do not alter what a step computes,
# except that learning rates may depend on the length of the run.
_FREE = {
    'name', 'steps', 'epochs', 'images', 'log_every', 'checkpoint_every', 'pictures_every',
    'evaluate_every', 'evaluation', 'input_size',
}  # fmt: skip
_FREE_DATA = {'directory', 'workers'}


def check_config(now: Config, then: Config, workdir: pathlib.Path) -> None:
    """Compares the configurations of a resumed run and of its checkpoint.

    Raises:
      UserError: a field differs that must not change (all of them are named).
    """
    lines = serialization.differences(_fixed(now), _fixed(then))
    if lines:
        raise UserError(
            f'{workdir} was trained with another configuration:\n  '
            + '\n  '.join(lines)
            + '\n(now, not then). Set these fields back, or use another --workdir.'
        )
    if now.steps != then.steps:
        print(
            f'the length of the run changes from {then.steps} to {now.steps} steps: from '
            'here on, learning rates and loss weights (`loss.graduated`) follow the new length',
            flush=True,
        )


def check_data(
    now: Sequence[Description], then: Sequence[Description], workdir: pathlib.Path, allow: bool
) -> None:
    """Compares the training sets of a resumed run and of its checkpoint.

    Raises:
      UserError: they differ, and `allow` is false.
    """
    lines = describe_changes(then, now)
    if not lines:
        return
    changes = f'{workdir} was trained on other data:\n  ' + '\n  '.join(lines)
    if not allow:
        raise UserError(
            f'{changes}\nPrepare these datasets as they were, or use another --workdir, or '
            'continue on the changed data with --allow_changed_data.'
        )
    print(f'{changes}\nfrom here on, the run continues on the changed data', flush=True)


def _fixed(config: Config) -> dict[str, Any]:
    plain = {k: v for k, v in serialization.to_json(config).items() if k not in _FREE}
    plain['data'] = {k: v for k, v in plain['data'].items() if k not in _FREE_DATA}
    if config.data.leaks is Leaks.LEAVE_OUT:  # the benchmarks then decide what is trained on
        plain['evaluation.benchmarks'] = serialization.to_json(config.evaluation.benchmarks)
    return plain
