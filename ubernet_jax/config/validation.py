"""What the settings of a run may hold."""

from ubernet_jax.config import STRIDE, Config, Initialisation, Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import DENSE_TASKS, TASKS


def validate(config: Config) -> None:
    """Checks every field that a user may have set.

    Raises:
      UserError: names the field, what it holds and what it may hold.
    """
    _require(bool(config.tasks), 'tasks', 'no task', f'some of {", ".join(TASKS)}')
    for name, task in config.tasks.items():
        _known_task(name, 'tasks')
        _positive(f'tasks.{name}', task, ('batch_size', 'learning_rate', 'weight'))
        _not_negative(f'tasks.{name}', task, ('polynomial_updates', 'hidden'))
        fits = not task.hidden or name in DENSE_TASKS
        allowed = f'0: its head has hidden layers; only {", ".join(DENSE_TASKS)} may have more'
        _require(fits, f'tasks.{name}.hidden', task.hidden, allowed)
    _positive('optim.shared', config.optim.shared, ('batch_size', 'learning_rate'))
    _not_negative('optim.shared', config.optim.shared, ('polynomial_updates',))
    _positive('optim', config.optim, ('log_variance_multiplier',))
    _not_negative('optim', config.optim, ('weight_decay', 'bias_multiplier'))
    momentum = config.optim.momentum
    _require(0 <= momentum < 1, 'optim.momentum', momentum, '0 <= momentum < 1')
    balancing = config.optim.balancing
    _require(balancing.tasks > 1, 'optim.balancing.tasks', balancing.tasks, '2 or more')
    fits = 0 <= balancing.radius < 1
    _require(fits, 'optim.balancing.radius', balancing.radius, '0 <= radius < 1')
    _positive('model', config.model, ('width',))
    _positive('data', config.data, ('micro_batch', 'micro_batches', 'max_boxes', 'rotations'))
    _positive('model.detection', config.model.detection, ('width', 'min_side', 'detections'))
    _positive('input_size', config.input_size, ('short_side', 'long_side', 'area'))
    intervals = ('log_every', 'checkpoint_every', 'pictures_every', 'evaluate_every')
    _positive('', config, intervals)
    _positive('loss', config.loss, ('normals_transition',))
    _positive('evaluation', config.evaluation, ('limit', 'thresholds'))
    # 0 steps save the untrained network.
    _not_negative('', config, ('steps', 'seed'))
    _not_negative('data', config.data, ('workers',))
    weights = ('proposal_class', 'proposal_box', 'box_class', 'box', 'positive', 'negative')
    _not_negative('loss', config.loss, ('bag_radius', *(f'{name}_weight' for name in weights)))
    model, data = config.model, config.data
    _require(model.scales in (1, 2, 3), 'model.scales', model.scales, '1, 2 or 3')
    known = model.trunk is Trunk.VGG16 or model.initialisation is Initialisation.RANDOM
    fits = known or bool(model.weights)
    allowed = f'random or, for {model.trunk.value}, behind weights=FILE: docs/weights.md'
    _require(fits, 'model.initialisation', model.initialisation.value, allowed)
    _require(model.frozen_blocks in range(6), 'model.frozen_blocks', model.frozen_blocks, '0 to 5')
    for field in ('train_proposals', 'test_proposals'):
        limits = getattr(model.detection, field)
        fits = len(limits) == 2 and limits[0] >= limits[1] > 0
        _require(fits, f'model.detection.{field}', limits, 'two numbers, before >= after > 0')
    scales = model.detection.anchor_scales
    fits = bool(scales) and min(scales) > 0
    _require(fits, 'model.detection.anchor_scales', scales, 'one or more above 0')
    least = model.detection.min_score
    _require(0 <= least < 1, 'model.detection.min_score', least, '0 <= min_score < 1')
    _require(0 <= model.dropout < 1, 'model.dropout', model.dropout, '0 <= dropout < 1')
    _require(bool(data.buckets), 'data.buckets', 'none', 'at least one (height, width)')
    for bucket in data.buckets:
        fits = len(bucket) == 2 and all(s % STRIDE == 1 and s > STRIDE for s in bucket)
        _require(fits, 'data.buckets', bucket, f'two sides {STRIDE}k+1: 33, 65, ... 321, ...')
    low, high = data.scale
    _require(0 < low <= high, 'data.scale', data.scale, '0 < low <= high')
    benchmarks = config.evaluation.benchmarks
    for field, datasets in (('data.train', data.train), ('evaluation.benchmarks', benchmarks)):
        for number, dataset in enumerate(datasets):
            _positive(f'{field}[{number}]', dataset, ('repeat',))
            for name in dataset.tasks:
                _known_task(name, f'{field}[{number}].tasks')


def _require(condition: bool, field: str, got: object, allowed: str) -> None:
    if not condition:
        raise UserError(
            f'config: {field} is {got}, but must be {allowed}. '
            f'Change it in the config file or with --config.{field}=...'
        )


def _positive(where: str, owner: object, fields: tuple[str, ...]) -> None:
    for field in fields:
        value = getattr(owner, field)
        _require(value > 0, f'{where}.{field}'.lstrip('.'), value, 'above 0')


def _not_negative(where: str, owner: object, fields: tuple[str, ...]) -> None:
    for field in fields:
        value = getattr(owner, field)
        _require(value >= 0, f'{where}.{field}'.lstrip('.'), value, '0 or more')


def _known_task(name: str, field: str) -> None:
    _require(name in TASKS, field, repr(name), f'some of {", ".join(TASKS)}')
