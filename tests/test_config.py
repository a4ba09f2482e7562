"""Settings: what is refused and how it is said, files in `configs/`, and JSON."""

import importlib.util
import json
import pathlib
import re

import pytest
from ml_collections.config_flags import config_path

from ubernet_jax import config as c
from ubernet_jax.config_file import differences, from_json, to_json
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import PERSON_PARTS, TASKS

SHIPPED = sorted((pathlib.Path(__file__).parents[1] / 'configs').glob('*.py'))
TASK_NAMES = ', '.join(TASKS)


def make_config() -> c.Config:
    return c.Config(
        tasks={'parts': c.TaskConfig(), 'boundaries': c.TaskConfig()},
        data=c.DataConfig(train=[c.DatasetConfig(name='one'), c.DatasetConfig(name='two')]),
        evaluation=c.EvaluationConfig(benchmarks=[c.DatasetConfig(name='three')]),
    )


def test_the_defaults_are_allowed_and_are_the_papers():
    config = make_config()
    config.validate()
    assert (config.optim.shared.batch_size, config.tasks['parts'].batch_size) == (30, 10)
    assert (config.loss.positive_weight, config.loss.negative_weight) == (0.95, 0.05)
    assert (config.model.scales, config.model.dropout, config.optim.momentum) == (3, 0.5, 0.9)
    size = config.input_size
    assert (size.short_side, size.long_side, size.area) == (625, 961, 653_028)


@pytest.mark.parametrize(
    ('field', 'value', 'allowed'),
    [
        ('tasks.parts.batch_size', 0, 'above 0'),
        ('tasks.parts.learning_rate', 0.0, 'above 0'),
        ('tasks.boundaries.weight', -1.0, 'above 0'),
        ('optim.shared.batch_size', 0, 'above 0'),
        ('optim.shared.learning_rate', -1e-3, 'above 0'),
        ('model.width', 0.0, 'above 0'),
        ('model.scales', 0, '1, 2 or 3'),
        ('model.scales', 4, '1, 2 or 3'),
        ('model.frozen_blocks', -1, '0 to 5'),
        ('model.frozen_blocks', 6, '0 to 5'),
        ('model.dropout', 1.0, '0 <= dropout < 1'),
        ('model.dropout', -0.1, '0 <= dropout < 1'),
        ('loss.bag_radius', -1, '0 or more'),
        ('loss.negative_weight', -0.1, '0 or more'),
        ('loss.normals_transition', 0.0, 'above 0'),
        ('loss.box_weight', -1.0, '0 or more'),
        ('model.detection.width', 0, 'above 0'),
        ('model.detection.train_proposals', (10, 20), 'two numbers, before >= after > 0'),
        ('model.detection.test_proposals', (10,), 'two numbers, before >= after > 0'),
        ('model.detection.anchor_scales', (), 'one or more above 0'),
        ('model.detection.min_score', 1.0, '0 <= min_score < 1'),
        ('seed', -1, '0 or more'),
        ('data.workers', -1, '0 or more'),
        ('data.micro_batch', 0, 'above 0'),
        ('data.max_boxes', 0, 'above 0'),
        ('data.scale', (0.0, 1.0), '0 < low <= high'),
        ('data.scale', (1.5, 1.0), '0 < low <= high'),
        ('data.train[1].repeat', 0, 'above 0'),
        ('evaluation.benchmarks[0].repeat', -1, 'above 0'),
        ('input_size.short_side', 0, 'above 0'),
        ('input_size.long_side', 0, 'above 0'),
        ('input_size.area', 0, 'above 0'),
        ('steps', -1, '0 or more'),
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
        config.validate()
    assert f'--config.{field}=...' in str(error.value)


@pytest.mark.parametrize(
    ('field', 'value', 'got', 'allowed'),
    [
        ('tasks', {}, 'no task', f'some of {TASK_NAMES}'),
        ('tasks', {'depth': c.TaskConfig()}, "'depth'", f'some of {TASK_NAMES}'),
        ('data.buckets', (), 'none', 'at least one (height, width)'),
        ('data.buckets', ((33, 64),), '(33, 64)', 'two sides 32k+1'),
        ('data.buckets', ((33, 65), (1, 65)), '(1, 65)', 'two sides 32k+1'),
        ('data.buckets', ((33,),), '(33,)', 'two sides 32k+1'),
        ('data.train[0].tasks', ('part',), "'part'", f'some of {TASK_NAMES}'),
        ('evaluation.benchmarks[0].tasks', ('x',), "'x'", f'some of {TASK_NAMES}'),
    ],
)
def test_what_is_wrong_inside_a_value_is_named(field, value, got, allowed):
    config = make_config()
    config_path.set_value(field, config, value)
    message = f'config: {field} is {got}, but must be {allowed}'
    with pytest.raises(UserError, match=re.escape(message)):
        config.validate()


def test_the_networks_tasks_come_in_the_tables_order_with_their_own_classes():
    config = make_config()
    assert list(config.task_table()) == ['boundaries', 'parts']
    assert config.task_table()['parts'] == TASKS['parts']
    config.tasks['parts'].classes = ('background', 'hat', 'coat')
    row = config.task_table()['parts']
    assert (row.channels, row.classes) == (3, ('background', 'hat', 'coat'))
    assert TASKS['parts'].classes == PERSON_PARTS


def load(path: pathlib.Path, *arguments: str) -> c.Config:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config(*arguments)


def test_the_shipped_configs_are_those_that_the_project_promises():
    assert {'quickstart', 'mini', 'single_task', 'ubernet'} <= {path.stem for path in SHIPPED}


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_config_is_valid_and_comes_back_from_json(path):
    config = load(path)
    config.validate()
    assert config.name.split(':')[0] == path.stem
    text = json.dumps(to_json(config))
    assert from_json(json.loads(text)) == config
    assert f'configs/{path.name}' in path.read_text()  # its docstring gives the command


def test_a_single_task_is_a_part_of_mini():
    spec = {path.stem: path for path in SHIPPED}
    whole = load(spec['mini'])
    for name, task in whole.tasks.items():
        config = load(spec['single_task'], name)
        config.validate()
        assert config.tasks == {name: task}
        assert config.model.scales == (1 if name == 'detection' else 3)
        assert config.steps < whole.steps and config.evaluation.benchmarks
        assert all(dataset in whole.data.train for dataset in config.data.train)


def test_every_kind_of_field_comes_back_from_json():
    config = make_config()
    config.model = c.ModelConfig(statistics=c.Statistics.RUNNING, mean=(1.0, 2.0, 3.0))
    config.optim.optimizer = c.Optimizer.ADAMW
    config.tasks['parts'].classes = ('a', 'b')
    config.tasks['parts'].decay_after = (1, 2, 3)
    config.data.buckets = ((33, 65), (65, 33), (65, 65))
    config.data.train[0].tasks = ('parts',)
    back = from_json(json.loads(json.dumps(to_json(config))))
    assert back == config
    assert isinstance(back.data.buckets[0], tuple)
    assert back.optim.optimizer is c.Optimizer.ADAMW


def test_an_older_or_newer_file_gets_defaults_and_loses_what_is_unknown():
    assert from_json({'seed': 3, 'model': {'width': 0.5, 'colour': 'red'}}) == c.Config(
        seed=3, model=c.ModelConfig(width=0.5)
    )


@pytest.mark.parametrize(
    ('plain', 'message'),
    [
        (7, 'file is 7, but must be fields with values'),
        ({'steps': 1.5}, 'file.steps is 1.5, but must be of type int'),
        ({'model': {'checkpoint': 1}}, 'file.model.checkpoint is 1, but must be of type bool'),
        ({'model': {'width': True}}, 'file.model.width is True, but must be of type float'),
        ({'model': {'mean': [1.0]}}, 'file.model.mean is [1.0], but must be 3 values'),
        ({'data': {'buckets': [[33, 'a']]}}, "file.data.buckets[0][1] is 'a', but must be of type"),
        ({'tasks': {'parts': None}}, 'file.tasks.parts is None, but must be fields'),
        ({'tasks': []}, 'file.tasks is [], but must be names with values'),
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
