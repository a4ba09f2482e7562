"""Flags `--config FILE --config.FIELD=VALUE`: changes to a configuration, and wrong flags."""

import pathlib
import re

import pytest

from helpers import tiny_config
from helpers.paths import ROOT
from ubernet_jax import config as c
from ubernet_jax.config.flags import check_config, load_config, override_config
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError

TINY = tiny_config.__file__


def parse(*settings: str, file: pathlib.Path | str = TINY) -> c.Config:
    """The configuration that `train` reads from `--config FILE` and further flags."""
    config = override_config(str(file), settings)
    validate(config)
    return config


def test_flags_change_fields_of_every_type():
    config = parse(
        '--config.name=other', '--config.seed=7', '--config.model.width=0.5',
        '--noconfig.data.flip', '--config.model.trunk=resnet50',
        '--config.data.buckets=((65, 33),)', '--config.data.train[0].name=voc2012',
        '--config.tasks.normals.transition=0.5', '--config.tasks.segmentation.decay_at=(0.5, 0.9)',
        '--config.optim.balancing.method=cagrad', '--config.data.train[0].partial.keep=one',
    )  # fmt: skip
    wanted = tiny_config.get_config()
    wanted.name, wanted.seed, wanted.model.width, wanted.data.flip = 'other', 7, 0.5, False
    wanted.model.trunk, wanted.data.buckets = c.Trunk.RESNET50, ((65, 33),)
    wanted.data.train[0].name = 'voc2012'
    wanted.tasks['normals'].transition = 0.5
    wanted.tasks['segmentation'].decay_at = (0.5, 0.9)
    wanted.optim.balancing.method = c.Balancing.CAGRAD
    wanted.data.train[0].partial.keep = c.Keep.ONE
    assert config == wanted


@pytest.mark.parametrize('length_of_file', ['steps=6', 'epochs=1.5', 'images=12'])
@pytest.mark.parametrize(
    ('flag', 'lengths'),
    [
        ('steps=5', (5, None, None)),
        ('epochs=2', (None, 2.0, None)),
        ('images=480', (None, None, 480)),
    ],
)
def test_a_length_on_the_command_line_replaces_that_of_the_file(
    length_of_file, flag, lengths, tmp_path
):
    path = tmp_path / 'settings.py'
    path.write_text(
        'from ubernet_jax import config as c\n'
        'def get_config():\n'
        f'    return c.Config({length_of_file}, tasks={{"normals": c.Normals()}})\n'
    )
    config = parse(f'--config.{flag}', file=path)
    assert (config.steps, config.epochs, config.images) == lengths


@pytest.mark.parametrize(
    ('settings', 'parts'),
    [
        (['model.widht=2'], ['model.widht', "model has no 'widht'", 'trunk, width, scales']),
        (['widht=2'], ['--config.widht', "'widht'", 'name, seed, steps']),
        (['tasks.depth.weight=1'], ["tasks has no 'depth'", 'normals, segmentation']),
        (['tasks.normals.foo=1'], ["tasks.normals has no 'foo'", 'batch_size,']),
        # A field of another kind of task.
        (['tasks.normals.positive_share=1'], ["tasks.normals has no 'positive_share'"]),
        (['steps.width=1'], ['--config.steps.width', "steps has no 'width'"]),
        (['data.train[3].name=x'], ["data.train has no '3'", 'data.train has items numbered 0.']),
        (['data.train=x'], ['--config.data.train', 'not a single value']),
        (['model=x'], ['model is not a single value', 'trunk, width']),
        (['tasks.normals=x'], ['tasks.normals is not a single value', 'batch_size']),
        (['data.buckets[0]=3'], ["data.buckets has no '0'"]),
        (['data.train[0.name=x'], ['data.train[0.name']),
        (['steps=many'], ['--config.steps=many: the value must be a whole number']),
        (['images=None'], ['--config.images=None: the value must be a whole number']),
        (['model.width=a:b'], ['--config.model.width=a:b: the value must be a number']),
        (['data.flip=maybe'], ['--config.data.flip=maybe: the value must be true or false']),
        (['optim.optimizer=lion'], ['sgd|adamw']),
        (["data.buckets=(('a', 1),)"], ["data.buckets[0][0] is 'a'", 'int']),
        (['steps=5', 'epochs=2'], ['steps=5 and epochs=2.0', 'steps, epochs, images']),
    ],
)
def test_a_wrong_flag_is_refused_with_the_allowed_fields_or_values(settings, parts):
    with pytest.raises(UserError) as error:
        parse(*(f'--config.{setting}' for setting in settings))
    for part in parts:
        assert part in str(error.value)


def test_a_task_named_like_a_keyword_of_python_can_only_be_set_in_the_file(tmp_path):
    """A limit of ml_collections; the message names the field."""
    path = tmp_path / 'settings.py'
    path.write_text(
        'from ubernet_jax import config as c\n'
        'def get_config():\n    return c.Config(steps=1, tasks={"lambda": c.Normals()})\n'
    )
    with pytest.raises(UserError, match=r'tasks\.lambda\.weight'):
        parse('--config.tasks.lambda.weight=2', file=path)


def test_a_variant_that_is_missing_or_that_there_is_none_of_is_refused(tmp_path):
    path = tmp_path / 'settings.py'
    path.write_text('def get_config(variant):\n    pass\n')
    with pytest.raises(UserError, match=rf'needs a variant: give --config {path}:VARIANT'):
        load_config(str(path))
    with pytest.raises(UserError, match='takes no variant: give --config mini without'):
        load_config('mini:large')


def test_a_missing_file_is_named():
    with pytest.raises(UserError, match='configs/none.py.*mini, mini_gpu'):
        load_config('configs/none.py:variant')


@pytest.mark.parametrize('name', ['mini', 'configs/mini.py', 'small:mini', 'configs/small.py:mini'])
def test_a_configuration_has_a_name_and_a_file(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert load_config(name).tasks == load_config('mini').tasks


def test_an_installed_name_is_found_in_any_folder_but_not_in_place_of_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mini').write_text('a file that is no configuration')
    assert load_config('mini').name == 'mini'
    with pytest.raises(UserError, match='SyntaxError'):
        load_config('./mini')
    with pytest.raises(UserError, match=r'mini\.py.* mini, '):
        load_config('mini.py')


def test_a_file_of_any_name_may_define_dataclasses(tmp_path):
    path = tmp_path / 'settings.txt'
    path.write_text(
        'from __future__ import annotations\nimport dataclasses\n'
        'from ubernet_jax import config as c\n'
        '@dataclasses.dataclass\nclass Lengths:\n    steps: int = 3\n'
        'def get_config(name):\n'
        '    return c.Config(name=name, steps=Lengths().steps, tasks={"a": c.Normals()})\n'
    )
    config = load_config(f'{path}:first:second')
    assert (config.name, config.steps) == ('first:second', 3)


SETTINGS = 'from ubernet_jax import config as c\ndef get_config():\n'


@pytest.mark.parametrize(
    ('content', 'parts'),
    [
        ('def get_config(:', ['SyntaxError', 'broken.py, line 1']),
        ('import no_such_package', ["'no_such_package'"]),
        ('steps = 3', ["'get_config'"]),
        ('def get_config():\n    return 1 / 0', ['broken.py:2']),
        ('def get_config():\n    return {}', ['dict', 'Config']),
        ('def get_config():\n    open("nowhere.txt")', ["'nowhere.txt'"]),
        (
            f'{SETTINGS}    return c.ModelConfig(widht=1)',
            ['broken.py:3', 'widht', 'ModelConfig', 'trunk, width'],
        ),
        (f'{SETTINGS}    return c.Normals(scale=1)', ['Normals', 'batch_size, learning_rate']),
        (f'{SETTINGS}    c.Normals().wieght = 2.0', ['broken.py:3', 'Normals', 'batch_size']),
        (f'{SETTINGS}    c.Config().widht = 1', ['broken.py:3', 'Config', 'name, seed']),
        (f'{SETTINGS}    return c.Optimizer.ADAMX', ['ADAMX']),
        (f'{SETTINGS}    return c.Config(steps="x")', ["config.steps is 'x'", 'int']),
    ],
)
@pytest.mark.parametrize('settings', [[], ['--config.steps=5']])
def test_a_broken_config_file_is_reported_with_its_error(content, parts, settings, tmp_path):
    path = tmp_path / 'broken.py'
    path.write_text(content)
    with pytest.raises(UserError) as error:
        parse(*settings, file=path)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize('value', ['inf', '-inf', 'nan', '1e999', '1e39', '9' * 400])
@pytest.mark.parametrize(
    'field',
    ['model.width', 'optim.weight_decay', 'tasks.normals.learning_rate', 'tasks.normals.weight'],
)
def test_a_number_that_is_not_finite_is_refused(field, value):
    with pytest.raises(UserError, match=rf'{re.escape(field)} is .*finite'):
        parse(f'--config.{field}={value}')


@pytest.mark.parametrize(
    'field', ['seed', 'log_every', 'data.train[0].rotations', 'tasks.normals.hidden']
)
def test_an_integer_that_is_too_large_is_refused(field):
    with pytest.raises(UserError, match=rf'{re.escape(field)} is 9223372036854775808.*4294967295'):
        parse(f'--config.{field}={2**63}')


def test_an_integer_of_a_config_file_that_cannot_be_printed_is_refused():
    config = tiny_config.get_config()
    config.seed = 10**5000
    with pytest.raises(UserError, match=r'config\.seed is .*16610 bits'):
        check_config(config)
