"""Settings: what is refused and how it is said, files in `configs/`, and JSON."""

import dataclasses
import importlib.util
import json
import pathlib
import re

import pytest
from ml_collections.config_flags import config_path

from ubernet_jax import config as c
from ubernet_jax.config.serialization import differences, from_json, to_json
from ubernet_jax.config.validation import validate
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
    validate(config)
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
        ('tasks.parts.polynomial_updates', -1, '0 or more'),
        ('tasks.parts.hidden', -1, '0 or more'),
        ('optim.shared.polynomial_updates', -1, '0 or more'),
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
        ('data.rotations', 0, 'above 0'),
        ('data.scale', (0.0, 1.0), '0 < low <= high'),
        ('data.scale', (1.5, 1.0), '0 < low <= high'),
        ('data.train[1].repeat', 0, 'above 0'),
        ('evaluation.benchmarks[0].repeat', -1, 'above 0'),
        ('evaluation.thresholds', 0, 'above 0'),
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
        validate(config)
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
        validate(config)


def test_the_networks_tasks_come_in_the_tables_order_with_their_own_classes():
    config = make_config()
    assert list(config.task_table()) == ['boundaries', 'parts']
    assert config.task_table()['parts'] == TASKS['parts']
    config.tasks['parts'].classes = ('background', 'hat', 'coat')
    row = config.task_table()['parts']
    assert (row.channels, row.classes) == (3, ('background', 'hat', 'coat'))
    assert TASKS['parts'].classes == PERSON_PARTS


def test_a_hidden_layer_is_for_dense_tasks():
    config = make_config()
    config.tasks = {'parts': c.TaskConfig(hidden=64), 'detection': c.TaskConfig()}
    validate(config)
    assert config.task_table() == {
        'parts': dataclasses.replace(TASKS['parts'], hidden=64),
        'detection': TASKS['detection'],
    }
    config.tasks['detection'].hidden = 64
    with pytest.raises(UserError, match='tasks.detection.hidden is 64, but must be 0: its head'):
        validate(config)


def load(path: pathlib.Path, *arguments: str) -> c.Config:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config(*arguments)


def test_the_shipped_configs_are_those_that_the_project_promises():
    assert {path.stem for path in SHIPPED} == {
        'balanced', 'boundaries', 'hed_style', 'mini', 'normals_weight', 'quickstart',
        'single_task', 'small', 'synchronous', 'two_task', 'ubernet',
    }  # fmt: skip


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_config_is_valid_and_comes_back_from_json(path):
    config = load(path)
    validate(config)
    assert config.name.split(':')[0] == path.stem
    text = json.dumps(to_json(config))
    assert from_json(json.loads(text)) == config
    assert f'configs/{path.name}' in path.read_text()  # its docstring gives the command


def shipped(name: str, *arguments: str) -> c.Config:
    (path,) = (path for path in SHIPPED if path.stem == name)
    return load(path, *arguments)


def changes(config: c.Config) -> set[str]:
    """The fields in which a configuration differs from `mini`."""
    lines = differences(to_json(config), to_json(shipped('mini')))
    return {line.split(':')[0] for line in lines} - {'name'}


# Of 1150 micro-batches, the share that the datasets of the task have in an epoch of 902.
@pytest.mark.parametrize(
    ('name', 'steps', 'datasets'),
    [
        ('boundaries', 129, ['bsds500']),
        ('normals', 191, ['folder/kitchen']),
        ('saliency', 446, ['pascal_s', 'folder/fashion']),
        ('segmentation', 384, ['voc2012']),
        ('parts', 255, ['folder/fashion']),
        ('semantic_boundaries', 384, ['voc2012']),
        ('detection', 384, ['voc2012']),
    ],
)
def test_a_single_task_is_a_part_of_mini(name, steps, datasets):
    whole, config = shipped('mini'), shipped('single_task', name)
    validate(config)
    assert (config.name, config.steps) == (f'single_task:{name}', steps)
    assert config.tasks == {name: whole.tasks[name]}
    assert config.model.scales == (1 if name == 'detection' else 3)
    assert [one.name for one in config.data.train] == datasets
    assert {one.name for one in config.evaluation.benchmarks} == set(datasets)
    assert all(dataset in whole.data.train for dataset in config.data.train)
    # The trunk updates after four images, at the lower rate for the last quarter of the run.
    assert config.optim.shared.decay_after[0] / (steps / 2) == pytest.approx(0.75, abs=0.01)


def test_two_tasks_share_their_images():
    config = shipped('two_task')
    assert (config.steps, config.model.scales) == (384, 3)
    assert set(config.task_table()) == {'segmentation', 'detection'}
    assert [one.name for one in config.data.train] == ['voc2012']


@pytest.mark.parametrize('weight', ['1', '5', '50'])
def test_the_weight_of_normals_is_all_that_changes(weight):
    config = shipped('normals_weight', weight)
    assert changes(config) == {'tasks.normals.weight'}
    assert config.tasks['normals'].weight == float(weight)


def test_the_synchronous_solver_sees_the_same_images():
    config = shipped('synchronous')
    decay = {f'tasks.{name}.decay_after' for name in config.tasks}
    assert changes(config) == {'optim.algorithm', *decay}
    assert config.optim.algorithm is c.Algorithm.SYNCHRONOUS


@pytest.mark.parametrize(
    ('experiment', 'steps', 'cut'),
    [('mini', 402, 33), ('synchronous', 402, 150), ('single_task:parts', 89, None)],
)
def test_a_small_experiment_is_that_of_its_name_but_smaller(experiment, steps, cut):
    name, *argument = experiment.split(':')
    config, whole = shipped('small', experiment), shipped(name, *argument)
    validate(config)
    assert (config.name, config.steps) == (f'small:{whole.name}', steps)
    assert cut is None or config.tasks['boundaries'].decay_after == (cut,)
    assert config.optim.algorithm is whole.optim.algorithm
    assert config.data.train == whole.data.train
    assert config.evaluation.benchmarks == whole.evaluation.benchmarks


def test_the_start_of_the_small_experiments_is_not_shortened():
    config, whole = shipped('small', 'two_task'), shipped('two_task')
    assert (config.steps, config.tasks) == (whole.steps, whole.tasks)


def test_polynomial_rates_of_the_small_experiments_end_with_the_run():
    config, whole = shipped('small', 'balanced'), shipped('balanced')
    for name, task in config.tasks.items():
        assert task.polynomial_updates == round(0.35 * whole.tasks[name].polynomial_updates)
    assert config.optim.shared.polynomial_updates == config.steps * 2 // 12 + 1


def test_boundaries_in_the_setup_made_for_them():
    config, paper = shipped('hed_style'), shipped('ubernet')
    assert set(config.tasks) == {'boundaries'} and config.loss.graduated
    assert config.tasks['boundaries'].learning_rate > config.optim.shared.learning_rate
    assert {one.name for one in config.data.train} == {'bsds500'}
    assert config.model == paper.model and not paper.loss.graduated


@pytest.mark.parametrize(
    ('name', 'argument', 'message'),
    [
        ('single_task', 'depth', 'single_task.py:depth: unknown task; known: boundaries, normals'),
        (
            'small',
            'hed_style',
            'small.py:hed_style: no experiment; known: balanced, mini, normals_weight',
        ),
        ('normals_weight', 'much', 'normals_weight.py:much: the weight must be a number'),
    ],
)
def test_an_argument_that_a_config_does_not_know(name, argument, message):
    with pytest.raises(UserError, match=re.escape(message)):
        shipped(name, argument)


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
