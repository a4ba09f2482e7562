"""Allowed values of the settings of a run."""

import re
from collections.abc import Sequence

from ubernet_jax.config import Config, Initialisation, Keep, PartialConfig, Trunk
from ubernet_jax.errors import UserError, require_setting
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.picture_limits import MAX_PIXELS
from ubernet_jax.scoring.presets import PROTOCOL_NAMES
from ubernet_jax.tasks import DenseTask
from ubernet_jax.tasks.group import SHARED

_LARGE = 10**9  # far beyond any use, and not too large for a counter
SCALES_RANGE = '0.1 to 10, among them 1'  # of `evaluation.scales`
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
    decay = config.optim.layer_decay
    require_setting(0 < decay <= 1, 'optim.layer_decay', decay, 'above 0, up to 1')
    balancing = config.optim.balancing
    fits = 2 <= balancing.tasks <= 100
    require_setting(fits, 'optim.balancing.tasks', balancing.tasks, '2 to 100')
    fits = 0 <= balancing.radius < 1
    require_setting(fits, 'optim.balancing.radius', balancing.radius, '0 <= radius < 1')
    fits = 0.5 <= balancing.alpha <= 10
    require_setting(fits, 'optim.balancing.alpha', balancing.alpha, '0.5 to 10')
    data = config.data
    _positive('data', data, images_per_micro_batch=10_000, micro_batches_per_step=10_000)
    _not_negative('data', data, workers=1000)
    _positive('data', data, keep_gigabytes=100_000)
    sides = {'short_side': _MAX_SIDE, 'long_side': _MAX_SIDE, 'area': MAX_PIXELS}
    _positive('input_size', config.input_size, **sides)
    intervals = ('log_every', 'checkpoint_every', 'pictures_every', 'evaluate_every')
    _positive('', config, **dict.fromkeys(intervals, _LARGE))
    _positive('evaluation', config.evaluation, limit=_LARGE, thresholds=10_000)
    protocol = config.evaluation.protocol
    fits, allowed = protocol in PROTOCOL_NAMES, ', '.join(PROTOCOL_NAMES)
    require_setting(fits, 'evaluation.protocol', protocol, allowed)
    scales = config.evaluation.scales
    require_setting(are_scales(scales), 'evaluation.scales', scales, SCALES_RANGE)
    _not_negative('', config, seed=2**32 - 1)
    _validate_model(config)
    require_setting(bool(data.buckets), 'data.buckets', 'none', 'at least one (height, width)')
    model, grid = config.model, TRUNKS[config.model.trunk].grid
    for bucket in data.buckets:
        fits = len(bucket) == 2 and all(grid.fits(s) and s < _MAX_SIDE for s in bucket)
        sides = f'two sides below {_MAX_SIDE:,}, {grid.describe()}'
        allowed = f'{sides}, because model.trunk is {model.trunk.value}'
        require_setting(fits, 'data.buckets', bucket, allowed)
    low, high = data.scale
    require_setting(0 < low <= high <= 100, 'data.scale', data.scale, '0 < low <= high <= 100')
    require_setting(0 <= data.photometric <= 1, 'data.photometric', data.photometric, '0 to 1')
    if data.keep_features:
        _validate_keeping(config)
    _validate_distillation(config)
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
            _validate_partial(f'{where}.partial', dataset.partial)
            # Taught labels are counted for all images, of which `partial` may leave some out.
            fits = not dataset.taught or dataset.partial.keep is Keep.ALL
            allowed = 'empty with partial.keep other than all'
            require_setting(fits, f'{where}.taught', ', '.join(dataset.taught), allowed)
    for number, benchmark in enumerate(benchmarks):
        keep = benchmark.partial.keep
        where = f'evaluation.benchmarks[{number}].partial.keep'
        require_setting(keep is Keep.ALL, where, keep.value, 'all: a benchmark is scored as it is')


def are_scales(scales: Sequence[float]) -> bool:
    """Whether these are allowed values of `evaluation.scales`."""
    return 1 in scales and all(0.1 <= scale <= 10 for scale in scales)


def _validate_partial(where: str, partial: PartialConfig) -> None:
    _not_negative(where, partial, seed=2**32 - 1)
    listed, drawn = partial.keep is Keep.LISTED, partial.keep in (Keep.ONE, Keep.RANDOM)
    fits, allowed = bool(partial.file) == listed, 'the list of keep=listed, which needs it'
    require_setting(fits, f'{where}.file', repr(partial.file), allowed)
    fits, allowed = drawn or not partial.drawn_from, 'empty without keep=one and keep=random'
    require_setting(fits, f'{where}.drawn_from', ', '.join(partial.drawn_from), allowed)


def _validate_keeping(config: Config) -> None:
    """Features are kept of blocks that do not change, for a finite number of inputs."""
    model, data = config.model, config.data
    trunk, field = TRUNKS[model.trunk], 'model.frozen_blocks'
    allowed = f'1 to {len(trunk.blocks)}, because data.keep_features is True'
    if not trunk.complete:
        field, allowed = 'model.trunk', 'a vision transformer, because data.keep_features is True'
    got = model.frozen_blocks if trunk.complete else model.trunk.value
    require_setting(trunk.can_keep(model), field, got, allowed)
    low, high = data.scale
    allowed = 'one factor of at most 1, such as (1.0, 1.0), because data.keep_features is True'
    require_setting(low == high <= 1, 'data.scale', data.scale, allowed)
    allowed = '0, because data.keep_features is True'
    require_setting(data.photometric == 0, 'data.photometric', data.photometric, allowed)
    for number, dataset in enumerate(data.train):
        where, allowed = f'data.train[{number}].rotations', '1, because data.keep_features is True'
        require_setting(dataset.rotations == 1, where, dataset.rotations, allowed)


def _validate_distillation(config: Config) -> None:
    """Features of a teacher change the trunk, of which some features must therefore be trained."""
    model = config.model
    trained = TRUNKS[model.trunk].trained_taps(model)
    blocks = model.frozen_blocks
    allowed = f'empty, because model.frozen_blocks is {blocks}: no features are trained'
    for name, task in config.tasks.items():
        fits = bool(trained) or not task.distill_from
        require_setting(fits, f'tasks.{name}.distill_from', task.distill_from, allowed)


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
        if isinstance(task, DenseTask):
            known = TRUNKS[config.model.trunk].skips(config.model)
            unknown, allowed = set(task.skips) - {*known}, f'any of {", ".join(known)}'
            require_setting(not unknown, f'tasks.{name}.skips', task.skips, allowed)
        for suffix in task.suffixes:
            fits = f'{name}_{suffix}' not in config.tasks
            allowed = f'another name: the task {name} has a result {name}_{suffix}'
            require_setting(fits, 'a name in tasks', repr(f'{name}_{suffix}'), allowed)


def _validate_length(config: Config) -> None:
    lengths = {name: getattr(config, name) for name in ('steps', 'epochs', 'images')}
    given = {name: value for name, value in lengths.items() if value is not None}
    for name, value in given.items():  # 0 steps save the untrained network
        require_setting(0 <= value <= _LARGE, name, value, f'0 to {_LARGE:,}')
    if len(given) != 1:
        got = ' and '.join(f'{name}={value}' for name, value in given.items()) or 'nothing'
        raise UserError(
            f'config: the length of the run is given by {got}; give one of {", ".join(lengths)}, '
            'in the config file or with --config.steps=...'
        )


def _validate_model(config: Config) -> None:
    model, trunk = config.model, TRUNKS[config.model.trunk]
    _positive('model', model, width=16)
    fits = 1 <= model.scales <= trunk.scales
    allowed = f'1 to {trunk.scales} with model.trunk={model.trunk.value}'
    require_setting(fits, 'model.scales', model.scales, allowed)
    known = model.trunk is Trunk.VGG16 or model.initialisation is Initialisation.RANDOM
    fits = known or bool(model.weights)
    allowed = f'random; for {model.trunk.value}, weights come from weights=FILE: docs/weights.md'
    require_setting(fits, 'model.initialisation', model.initialisation.value, allowed)
    most = len(trunk.blocks)
    fits = 0 <= model.frozen_blocks <= most
    require_setting(fits, 'model.frozen_blocks', model.frozen_blocks, f'0 to {most}')
    fits, most = 0 <= model.stem <= 512, '0 to 512'
    require_setting(fits, 'model.stem', model.stem, most)
    fits, allowed = trunk.grid.patches or not model.stem, '0; only a vision transformer has a stem'
    require_setting(fits, 'model.stem', model.stem, allowed)
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
