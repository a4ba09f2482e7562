"""Allowed values of the settings of a run."""

import re

from ubernet_jax.config import STRIDE, Config, Initialisation, Trunk
from ubernet_jax.errors import UserError, require_setting
from ubernet_jax.picture_limits import MAX_PIXELS
from ubernet_jax.tasks.group import SHARED

_LARGE = 10**9  # far beyond any use, and not too large for a counter
_MAX_SIDE = 16_384  # of images in the network, in pixels
_NAME = re.compile(r'[^\W\d]\w*')  # task names are attributes, file names and parameter groups
# Names of other parameter groups, files and attributes of predictions.
RESERVED = (
    SHARED, 'delta_m', 'sheet', 'images', 'image', 'tasks', 'arrays', 'picture', 'panels', 'save',
    'get', 'items', 'keys', 'values',
)  # fmt: skip


def validate(config: Config) -> None:
    """Checks every field that a user may have set.

    Raises:
      UserError: the message names the field, its value and the allowed values.
    """
    _validate_tasks(config)
    _validate_length(config)
    config.optim.shared.validate('optim.shared')
    _positive('optim', config.optim, log_variance_multiplier=_LARGE)
    _not_negative('optim', config.optim, weight_decay=_LARGE, bias_multiplier=_LARGE)
    momentum = config.optim.momentum
    require_setting(0 <= momentum < 1, 'optim.momentum', momentum, '0 <= momentum < 1')
    balancing = config.optim.balancing
    fits = 2 <= balancing.tasks <= 100
    require_setting(fits, 'optim.balancing.tasks', balancing.tasks, '2 to 100')
    fits = 0 <= balancing.radius < 1
    require_setting(fits, 'optim.balancing.radius', balancing.radius, '0 <= radius < 1')
    data = config.data
    _positive('data', data, images_per_micro_batch=10_000, micro_batches_per_step=10_000)
    _not_negative('data', data, workers=1000)
    sides = {'short_side': _MAX_SIDE, 'long_side': _MAX_SIDE, 'area': MAX_PIXELS}
    _positive('input_size', config.input_size, **sides)
    intervals = ('log_every', 'checkpoint_every', 'pictures_every', 'evaluate_every')
    _positive('', config, **dict.fromkeys(intervals, _LARGE))
    _positive('evaluation', config.evaluation, limit=_LARGE, thresholds=10_000)
    _not_negative('', config, seed=2**32 - 1)
    _validate_model(config)
    require_setting(bool(data.buckets), 'data.buckets', 'none', 'at least one (height, width)')
    for bucket in data.buckets:
        fits = len(bucket) == 2 and all(s % STRIDE == 1 and STRIDE < s < _MAX_SIDE for s in bucket)
        allowed = f'two sides {STRIDE}k+1, below {_MAX_SIDE:,}: 33, 65, ... 321'
        require_setting(fits, 'data.buckets', bucket, allowed)
    low, high = data.scale
    require_setting(0 < low <= high <= 100, 'data.scale', data.scale, '0 < low <= high <= 100')
    benchmarks = config.evaluation.benchmarks
    for field, datasets in (('data.train', data.train), ('evaluation.benchmarks', benchmarks)):
        for number, dataset in enumerate(datasets):
            where = f'{field}[{number}]'
            _positive(where, dataset, repeat=100_000, rotations=360)
            named = {'tasks': dataset.tasks, 'labels': dataset.labels, 'taught': dataset.taught}
            for part, names in named.items():
                unknown = [name for name in names if name not in config.tasks]
                allowed = f'tasks of the configuration: {", ".join(config.tasks)}'
                require_setting(not unknown, f'{where}.{part}', ', '.join(names), allowed)


def _validate_tasks(config: Config) -> None:
    require_setting(bool(config.tasks), 'tasks', 'empty', 'one or more tasks by name')
    for name, task in config.tasks.items():
        fits = _NAME.fullmatch(name) and name not in RESERVED
        allowed = (
            'a name of letters, digits and _ that starts with a letter and is not reserved '
            f'({", ".join(RESERVED)})'
        )
        require_setting(bool(fits), 'a name in tasks', repr(name), allowed)
        task.validate(f'tasks.{name}')
        for suffix in task.suffixes:
            fits = f'{name}_{suffix}' not in config.tasks
            allowed = f'another name: the task {name} has a result {name}_{suffix}'
            require_setting(fits, 'a name in tasks', repr(f'{name}_{suffix}'), allowed)


def _validate_length(config: Config) -> None:
    lengths = {name: getattr(config, name) for name in ('steps', 'epochs', 'images')}
    given = {name: value for name, value in lengths.items() if value is not None}
    if len(given) != 1:
        got = ' and '.join(f'{name}={value}' for name, value in given.items()) or 'nothing'
        raise UserError(
            f'config: the length of the run is given by {got}; give one of {", ".join(lengths)}, '
            'in the config file or with --config.steps=...'
        )
    ((name, value),) = given.items()
    # 0 steps save the untrained network.
    require_setting(0 <= value <= _LARGE, name, value, f'0 to {_LARGE:,}')


def _validate_model(config: Config) -> None:
    model = config.model
    _positive('model', model, width=16)
    require_setting(model.scales in (1, 2, 3), 'model.scales', model.scales, '1, 2 or 3')
    known = model.trunk is Trunk.VGG16 or model.initialisation is Initialisation.RANDOM
    fits = known or bool(model.weights)
    allowed = f'random; for {model.trunk.value}, weights come from weights=FILE: docs/weights.md'
    require_setting(fits, 'model.initialisation', model.initialisation.value, allowed)
    fits = model.frozen_blocks in range(6)
    require_setting(fits, 'model.frozen_blocks', model.frozen_blocks, '0 to 5')
    momentum = model.statistics_momentum
    fits, allowed = 0 <= momentum < 1, '0 <= momentum < 1'
    require_setting(fits, 'model.statistics_momentum', momentum, allowed)
    for field, low in (('mean', 0), ('std', 1e-3)):
        values = getattr(model, field)
        fits = all(low <= value <= 255 for value in values)
        require_setting(fits, f'model.{field}', values, f'{low} to 255 for each colour')
    require_setting(0 <= model.dropout < 1, 'model.dropout', model.dropout, '0 <= dropout < 1')


def _positive(where: str, owner: object, **largest: int) -> None:
    """Checks fields that must be above 0; `largest` has their largest values."""
    for field, most in largest.items():
        value = getattr(owner, field)
        allowed = f'above 0, up to {most:,}'
        require_setting(0 < value <= most, f'{where}.{field}'.lstrip('.'), value, allowed)


def _not_negative(where: str, owner: object, **largest: int) -> None:
    """Checks fields that must not be negative; `largest` has their largest values."""
    for field, most in largest.items():
        value = getattr(owner, field)
        require_setting(0 <= value <= most, f'{where}.{field}'.lstrip('.'), value, f'0 to {most:,}')
