"""Allowed values of the settings."""

import pickle

import pytest
from ml_collections.config_flags import config_path

from ubernet_jax import config as c
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import SettingError, UserError

TASKS = ('parts', 'boundaries', 'normals', 'detection')


def make_config() -> c.Config:
    return c.Config(
        steps=9,
        tasks={name: c.PAPER[name]() for name in TASKS},
        data=c.DataConfig(train=[c.DatasetConfig(name='first'), c.DatasetConfig(name='second')]),
        evaluation=c.EvaluationConfig(benchmarks=[c.DatasetConfig(name='third')]),
    )


def assert_message(error: object, *parts: object) -> None:
    """Checks that a message has all parts."""
    for part in parts:
        assert str(part) in str(error), f'{part!r} is missing in {error}'


def test_the_defaults_are_valid_and_those_of_the_paper():
    config = make_config()
    validate(config)
    assert (config.optim.shared.batch_size, config.tasks['parts'].batch_size) == (30, 10)
    boundaries = config.tasks['boundaries']
    assert (boundaries.positive_weight, boundaries.negative_weight) == (0.95, 0.05)
    assert (boundaries.decay_at, boundaries.bag_radius, boundaries.stride) == ((0.6,), 2, 1)
    assert (config.model.scales, config.model.dropout, config.optim.momentum) == (3, 0.5, 0.9)
    size = config.input_size
    assert (size.short_side, size.long_side, size.area) == (625, 961, 653_028)


@pytest.mark.parametrize(
    ('field', 'value', 'allowed'),
    [
        ('tasks.parts.batch_size', 0, 'above 0'),
        ('tasks.parts.learning_rate', 0.0, 'above 0'),
        ('tasks.boundaries.weight', -1.0, 'above 0'),
        ('tasks.parts.distill_weight', 0.0, 'above 0'),
        ('tasks.parts.decay_at', (0.5, 1.5), 'above 0, up to 1'),
        ('tasks.parts.decay_at', (0.0,), 'above 0, up to 1'),
        ('tasks.parts.bias_multiplier', -1.0, '0 or more'),
        ('tasks.parts.hidden', -1, '0 or more'),
        ('tasks.parts.stride', 3, '1, 2, 4 or 8'),
        (
            'tasks.parts.skips',
            ('conv9',),
            'any of conv1_2, conv2_2, conv3_3, conv4_3, conv5_3, fc7',
        ),
        ('tasks.parts.background_weight', 0.0, 'above 0'),
        ('tasks.boundaries.classes', ('a', 'b'), 'empty'),
        ('tasks.boundaries.bag_radius', -1, '0 or more'),
        ('tasks.boundaries.negative_weight', -0.1, '0 or more'),
        ('tasks.normals.transition', 0.0, 'above 0'),
        ('tasks.detection.detector.box_weight', -1.0, '0 or more'),
        ('tasks.detection.detector.width', 0, 'above 0'),
        ('tasks.detection.detector.max_boxes', 0, 'above 0'),
        ('tasks.detection.detector.min_side', 0.0, 'above 0'),
        ('tasks.detection.detector.train_proposals', (10, 20), 'before >= after > 0'),
        ('tasks.detection.detector.test_proposals', (10,), 'before >= after > 0'),
        ('tasks.detection.detector.anchor_scales', (), 'one or more above 0'),
        ('tasks.detection.detector.min_score', 1.0, '0 <= min_score < 1'),
        ('optim.shared.decay_at', (-0.5,), 'above 0, up to 1'),
        ('optim.log_variance_multiplier', 0.0, 'above 0'),
        ('optim.balancing.tasks', 1, '2 to 100'),
        ('optim.balancing.tasks', 10**9, '2 to 100'),
        ('optim.balancing.radius', 1.0, '0 <= radius < 1'),
        ('optim.balancing.alpha', 0.1, '0.5 to 10'),
        ('optim.momentum', 1.0, '0 <= momentum < 1'),
        ('optim.layer_decay', 0.0, 'above 0, up to 1'),
        ('optim.layer_decay', 1.5, 'above 0, up to 1'),
        ('model.statistics_momentum', 1.0, '0 <= momentum < 1'),
        ('optim.weight_decay', -1e-4, '0 to 1,000,000,000'),
        ('optim.shared.batch_size', 0, 'above 0'),
        ('optim.shared.learning_rate', -1e-3, 'above 0'),
        ('model.width', 0.0, 'above 0'),
        ('model.width', 1e9, 'above 0, up to 16'),
        ('model.mean', (0.0, -1.0, 0.0), '0 to 255'),
        ('model.std', (1.0, 0.0, 1.0), '0.001 to 255'),
        ('model.scales', 0, '1 to 3'),
        ('model.scales', 4, '1 to 3'),
        ('model.frozen_blocks', -1, '0 to 5'),
        ('model.frozen_blocks', 6, '0 to 5'),
        ('model.dropout', 1.0, '0 <= dropout < 1'),
        ('model.dropout', -0.1, '0 <= dropout < 1'),
        ('seed', -1, '0 to 4,294,967,295'),
        ('seed', 2**63, '0 to 4,294,967,295'),
        ('data.workers', -1, '0 to 1,000'),
        ('data.workers', 10**6, '0 to 1,000'),
        ('data.images_per_micro_batch', 0, 'above 0'),
        ('data.micro_batches_per_step', 0, 'above 0'),
        ('data.train[1].rotations', 0, 'above 0'),
        ('data.train[1].rotations', 10**9, 'up to 360'),
        ('data.photometric', 1.5, '0 to 1'),
        ('data.scale', (0.0, 1.0), '0 < low <= high'),
        ('data.scale', (1.5, 1.0), '0 < low <= high'),
        ('data.scale', (1.0, 1e30), 'high <= 100'),
        ('data.train[1].repeat', 0, 'above 0'),
        ('data.train[1].partial.seed', -1, '0 to 4,294,967,295'),
        ('evaluation.benchmarks[0].repeat', -1, 'above 0'),
        ('evaluation.thresholds', 0, 'above 0'),
        ('evaluation.protocol', 'pascal', 'ours, astmt'),
        ('evaluation.scales', (0.5, 2.0), '0.1 to 10, among them 1'),
        ('evaluation.scales', (1.0, 0.0), '0.1 to 10, among them 1'),
        ('input_size.short_side', 0, 'above 0'),
        ('input_size.long_side', 0, 'above 0'),
        ('input_size.area', 0, 'above 0'),
        ('log_every', 0, 'above 0'),
        ('checkpoint_every', 0, 'above 0'),
        ('pictures_every', 0, 'above 0'),
        ('evaluate_every', 0, 'above 0'),
    ],
)
def test_a_bad_value_is_refused_with_its_flag(field, value, allowed):
    config = make_config()
    config_path.set_value(field, config, value)
    with pytest.raises(UserError) as error:
        validate(config)
    assert_message(error.value, f'{field} is {value}', allowed, f'--config.{field}=')


@pytest.mark.parametrize(
    ('field', 'value', 'parts'),
    [
        ('tasks', {}, ['tasks is empty']),
        ('tasks', {'shared': c.Normals()}, ["'shared'", 'reserved']),
        ('tasks', {'my road': c.Normals()}, ["'my road'", 'letters, digits and _']),
        ('tasks', {'1st': c.Normals()}, ["'1st'", 'letters, digits and _']),
        ('tasks', {'': c.Normals()}, ["''", 'letters, digits and _']),
        ('data.buckets', (), ['data.buckets', 'at least one (height, width)']),
        ('data.buckets', ((33, 64),), ['data.buckets is (33, 64)', '32k+1']),
        ('data.buckets', ((33, 65), (1, 65)), ['data.buckets is (1, 65)', '32k+1']),
        ('data.buckets', ((33,),), ['data.buckets is (33,)', '32k+1']),
        ('data.buckets', ((33, 32 * 10**6 + 1),), ['data.buckets is (33, 32000001)', 'below']),
        ('data.train[0].tasks', ('part',), ['data.train[0].tasks is part', *TASKS]),
        ('data.train[1].labels', {'road': 'a'}, ['data.train[1].labels is road', *TASKS]),
        ('evaluation.benchmarks[0].tasks', ('x',), ['evaluation.benchmarks[0].tasks is x', *TASKS]),
    ],
)
def test_a_bad_part_of_a_value_is_named(field, value, parts):
    config = make_config()
    config_path.set_value(field, config, value)
    with pytest.raises(UserError) as error:
        validate(config)
    assert_message(error.value, *parts)


@pytest.mark.parametrize(
    ('lengths', 'given'),
    [
        ({'steps': None}, 'nothing'),
        ({'epochs': 2.0}, 'steps=9 and epochs=2.0'),
        ({'images': 7, 'steps': None, 'epochs': 0.5}, 'epochs=0.5 and images=7'),
    ],
)
def test_a_run_has_exactly_one_length(lengths, given):
    config = make_config()
    for field, value in lengths.items():
        setattr(config, field, value)
    with pytest.raises(UserError, match=f'{given}.*steps, epochs, images'):
        validate(config)


@pytest.mark.parametrize(
    ('field', 'value'), [('steps', -1), ('images', -5), ('epochs', -0.5), ('epochs', float('inf'))]
)
def test_a_negative_or_infinite_length_is_refused(field, value):
    config = make_config()
    config.steps = None
    setattr(config, field, value)
    with pytest.raises(UserError, match=f'{field} is {value}.*0 to 1,000,000,000'):
        validate(config)


@pytest.mark.parametrize('name', ['straße', 'x2', '道路', 'parts_2'])
def test_names_of_tasks_may_have_letters_of_any_language(name):
    config = make_config()
    config.tasks[name] = c.SoftMask()
    validate(config)


def test_a_refused_value_is_described_also_in_another_process():
    config = make_config()
    config.model.width = -1.0
    with pytest.raises(SettingError) as caught:
        validate(config)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.field, error.got) == ('model.width', -1.0) and '16' in error.allowed
    assert_message(error, 'model.width', '-1.0', error.allowed)


@pytest.mark.parametrize(
    ('partial', 'field', 'allowed'),
    [
        ({'keep': c.Keep.LISTED}, 'file', 'keep=listed'),
        ({'keep': c.Keep.ONE, 'file': 'list.json'}, 'file', 'keep=listed'),
        ({'drawn_from': ('depth',)}, 'drawn_from', 'keep=one'),
    ],
)
def test_settings_of_partial_labels_fit_each_other(partial, field, allowed):
    config = make_config()
    config.data.train[1].partial = c.PartialConfig(**partial)
    with pytest.raises(UserError) as error:
        validate(config)
    assert_message(error.value, f'data.train[1].partial.{field} is ', allowed)


def test_taught_labels_need_all_images():
    config = make_config()
    config.data.train[1].taught = (next(iter(config.tasks)),)
    validate(config)
    config.data.train[1].partial.keep = c.Keep.ONE
    with pytest.raises(UserError, match=r'data\.train\[1\]\.taught is .*partial\.keep'):
        validate(config)


def test_a_benchmark_keeps_all_labels():
    config = make_config()
    config.evaluation.benchmarks[0].partial.keep = c.Keep.ONE
    with pytest.raises(UserError, match=r'evaluation\.benchmarks\[0\]\.partial\.keep is one'):
        validate(config)


@pytest.mark.parametrize(
    ('trunk', 'blocks'), [(c.Trunk.RESNET50, 5), (c.Trunk.VIT_SMALL_PATCH14_DINOV2, 12)]
)
def test_features_are_not_distilled_to_a_frozen_trunk(trunk, blocks):
    config = make_config()
    config.model = c.ModelConfig(
        trunk=trunk, scales=1, initialisation=c.Initialisation.RANDOM, frozen_blocks=blocks
    )
    config.data.buckets = ((224, 224),) if blocks == 12 else config.data.buckets
    validate(config)
    config.tasks['parts'].distill_from = 'runs/parts'
    with pytest.raises(SettingError) as error:
        validate(config)
    assert error.value.field == 'tasks.parts.distill_from'
    assert_message(error.value, 'runs/parts', f'model.frozen_blocks is {blocks}')
    config.model.frozen_blocks -= 1
    validate(config)
