"""Settings: what is refused and how it is said, and their JSON."""

import json
import re

import pytest
from ml_collections.config_flags import config_path

from ubernet_jax import config as c
from ubernet_jax.config.serialization import differences, from_json, to_json
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError

OWN = 'of the configuration: parts, boundaries, normals, detection'


def make_config() -> c.Config:
    return c.Config(
        steps=9,
        tasks={name: c.PAPER[name]() for name in ('parts', 'boundaries', 'normals', 'detection')},
        data=c.DataConfig(train=[c.DatasetConfig(name='one'), c.DatasetConfig(name='two')]),
        evaluation=c.EvaluationConfig(benchmarks=[c.DatasetConfig(name='three')]),
    )


def test_the_defaults_are_allowed_and_are_the_papers():
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
        ('tasks.parts.decay_at', (0.5, 1.5), 'shares above 0, up to 1'),
        ('tasks.parts.decay_at', (0.0,), 'shares above 0, up to 1'),
        ('tasks.parts.hidden', -1, '0 or more'),
        ('tasks.parts.stride', 3, '1, 2, 4 or 8'),
        ('tasks.boundaries.classes', ('a', 'b'), 'empty: tasks of kind boundaries have no classes'),
        ('tasks.boundaries.bag_radius', -1, '0 or more'),
        ('tasks.boundaries.negative_weight', -0.1, '0 or more'),
        ('tasks.normals.transition', 0.0, 'above 0'),
        ('tasks.detection.detector.box_weight', -1.0, '0 or more'),
        ('tasks.detection.detector.width', 0, 'above 0'),
        ('tasks.detection.detector.max_boxes', 0, 'above 0'),
        ('tasks.detection.detector.min_side', 0.0, 'above 0'),
        ('tasks.detection.detector.train_proposals', (10, 20), 'two numbers, before >= after > 0'),
        ('tasks.detection.detector.test_proposals', (10,), 'two numbers, before >= after > 0'),
        ('tasks.detection.detector.anchor_scales', (), 'one or more above 0'),
        ('tasks.detection.detector.min_score', 1.0, '0 <= min_score < 1'),
        ('optim.shared.decay_at', (-0.5,), 'shares above 0, up to 1'),
        ('optim.log_variance_multiplier', 0.0, 'above 0'),
        ('optim.balancing.tasks', 1, '2 or more'),
        ('optim.balancing.radius', 1.0, '0 <= radius < 1'),
        ('optim.momentum', 1.0, '0 <= momentum < 1'),
        ('optim.weight_decay', -1e-4, '0 or more'),
        ('optim.shared.batch_size', 0, 'above 0'),
        ('optim.shared.learning_rate', -1e-3, 'above 0'),
        ('model.width', 0.0, 'above 0'),
        ('model.scales', 0, '1, 2 or 3'),
        ('model.scales', 4, '1, 2 or 3'),
        ('model.frozen_blocks', -1, '0 to 5'),
        ('model.frozen_blocks', 6, '0 to 5'),
        ('model.dropout', 1.0, '0 <= dropout < 1'),
        ('model.dropout', -0.1, '0 <= dropout < 1'),
        ('seed', -1, '0 or more'),
        ('data.workers', -1, '0 or more'),
        ('data.images_per_micro_batch', 0, 'above 0'),
        ('data.micro_batches_per_step', 0, 'above 0'),
        ('data.rotations', 0, 'above 0'),
        ('data.scale', (0.0, 1.0), '0 < low <= high'),
        ('data.scale', (1.5, 1.0), '0 < low <= high'),
        ('data.train[1].repeat', 0, 'above 0'),
        ('evaluation.benchmarks[0].repeat', -1, 'above 0'),
        ('evaluation.thresholds', 0, 'above 0'),
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
    message = f'config: {field} is {value}, but must be {allowed}'
    with pytest.raises(UserError, match=re.escape(message)) as error:
        validate(config)
    assert f'--config.{field}=...' in str(error.value)


@pytest.mark.parametrize(
    ('field', 'value', 'got', 'allowed'),
    [
        ('tasks', {}, 'no task', 'a name and a task, or more'),
        ('tasks', {'shared': c.Normals()}, "'shared'", 'names of letters, digits and _, but for'),
        ('tasks', {'my road': c.Normals()}, "'my road'", 'names of letters, digits and _'),
        ('tasks', {'1st': c.Normals()}, "'1st'", 'names of letters, digits and _'),
        ('tasks', {'': c.Normals()}, "''", 'names of letters, digits and _'),
        ('data.buckets', (), 'none', 'at least one (height, width)'),
        ('data.buckets', ((33, 64),), '(33, 64)', 'two sides 32k+1'),
        ('data.buckets', ((33, 65), (1, 65)), '(1, 65)', 'two sides 32k+1'),
        ('data.buckets', ((33,),), '(33,)', 'two sides 32k+1'),
        ('data.train[0].tasks', ('part',), 'part', f'some of the tasks {OWN}'),
        ('data.train[1].labels', {'road': 'a'}, 'road', f'some of the tasks {OWN}'),
        ('evaluation.benchmarks[0].tasks', ('x',), 'x', f'some of the tasks {OWN}'),
    ],
)
def test_what_is_wrong_inside_a_value_is_named(field, value, got, allowed):
    config = make_config()
    config_path.set_value(field, config, value)
    message = f'config: {field} is {got}, but must be {allowed}'
    with pytest.raises(UserError, match=re.escape(message)):
        validate(config)


def test_every_kind_of_field_comes_back_from_json():
    config = make_config()
    config.model = c.ModelConfig(statistics=c.Statistics.RUNNING, mean=(1.0, 2.0, 3.0))
    config.optim.optimizer = c.Optimizer.ADAMW
    config.tasks['parts'].classes = ('a', 'b')
    config.tasks['parts'].decay_at = (0.5, 0.75)
    config.tasks['detection'].detector = c.DetectionConfig(width=8, pooling=c.Pooling.ALIGN)
    config.tasks['road'] = c.SoftMask(positive_share=0.2)
    config.data.train[1].labels = {'road': 'asphalt'}
    config.data.buckets = ((33, 65), (65, 33), (65, 65))
    config.data.train[0].tasks = ('parts',)
    back = from_json(json.loads(json.dumps(to_json(config))))
    assert back == config
    assert [type(task) for task in back.tasks.values()] == [
        c.Segmentation, c.Boundaries, c.Normals, c.Detection, c.SoftMask
    ]  # fmt: skip
    assert isinstance(back.data.buckets[0], tuple)
    assert back.optim.optimizer is c.Optimizer.ADAMW


@pytest.mark.parametrize(
    ('lengths', 'given'),
    [
        ({'steps': None}, 'nothing'),
        ({'epochs': 2.0}, 'steps=9 and epochs=2.0'),
        ({'images': 7, 'steps': None, 'epochs': 0.5}, 'epochs=0.5 and images=7'),
    ],
)
def test_a_run_has_one_length(lengths, given):
    config = make_config()
    for field, value in lengths.items():
        setattr(config, field, value)
    with pytest.raises(UserError, match=f'length of the run is given by {given}; give one of'):
        validate(config)


@pytest.mark.parametrize(
    ('field', 'value'), [('steps', -1), ('images', -5), ('epochs', -0.5), ('epochs', float('inf'))]
)
def test_a_length_that_no_run_has_is_refused(field, value):
    config = make_config()
    config.steps = None
    setattr(config, field, value)
    with pytest.raises(UserError, match=f'config: {field} is {value}, but must be 0 or more'):
        validate(config)


@pytest.mark.parametrize('name', ['straße', 'x2', '道路', 'parts_2'])
def test_a_task_may_have_any_name_that_is_a_word(name):
    config = make_config()
    config.tasks[name] = c.SoftMask()
    validate(config)


def test_an_older_or_newer_file_gets_defaults_and_loses_what_is_unknown():
    assert from_json({'seed': 3, 'model': {'width': 0.5, 'colour': 'red'}}) == c.Config(
        seed=3, model=c.ModelConfig(width=0.5)
    )


@pytest.mark.parametrize(
    ('plain', 'message'),
    [
        (7, 'file is 7, but must be fields with values'),
        ({'steps': 1.5}, 'file.steps is 1.5, but must be of type int'),
        ({'images': True}, 'file.images is True, but must be of type int'),
        ({'epochs': '2'}, "file.epochs is '2', but must be of type float"),
        ({'model': {'remat': 1}}, 'file.model.remat is 1, but must be of type bool'),
        ({'model': {'width': True}}, 'file.model.width is True, but must be of type float'),
        ({'model': {'mean': [1.0]}}, 'file.model.mean is [1.0], but must be 3 values'),
        ({'data': {'buckets': [[33, 'a']]}}, "file.data.buckets[0][1] is 'a', but must be of type"),
        ({'tasks': {'parts': None}}, 'file.tasks.parts is None, but must be fields'),
        ({'tasks': []}, 'file.tasks is [], but must be names with values'),
        (
            {'tasks': {'road': {'kind': 'lines'}}},
            "file.tasks.road is of kind 'lines'; known kinds:",
        ),
        ({'tasks': {'road': {'kind': []}}}, 'file.tasks.road is of kind []; known kinds: '),
        (
            {'tasks': {'road': {'kind': 'soft_mask', 'positive_share': 'x'}}},
            "file.tasks.road.positive_share is 'x', but must be of type float",
        ),
        ({'optim': {'optimizer': 'lion'}}, "optimizer is 'lion', but must be one of sgd, adamw"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(plain, message):
    with pytest.raises(UserError, match=re.escape(message)):
        from_json(plain, 'file')


def test_a_whole_number_may_stand_for_a_float():
    assert from_json({'model': {'width': 1}}).model.width == 1


def test_differences_name_every_leaf():
    ours, theirs = make_config(), make_config()
    assert differences(to_json(ours), to_json(theirs)) == []
    theirs.model.width = 0.5
    theirs.optim.algorithm = c.Algorithm.SYNCHRONOUS
    del theirs.tasks['parts']
    lines = differences(to_json(ours), to_json(theirs))
    assert 'model.width: 1.0, not 0.5' in lines
    assert 'optim.algorithm: asynchronous, not synchronous' in lines
    assert len(lines) == 3 and lines[0].startswith('tasks.parts: ')
