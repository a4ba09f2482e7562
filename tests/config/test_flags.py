"""`--config FILE --config.FIELD=VALUE`: what a flag changes, and what is said of wrong ones."""

import pathlib
import re

import pytest
from absl import flags
from ml_collections import config_flags

from helpers import tiny_config
from ubernet_jax import config as c
from ubernet_jax.config.flags import check_config, load_config, parse_flags
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError

TINY = tiny_config.__file__


def parse(*settings: str, file: pathlib.Path | str = TINY) -> c.Config:
    """What `train` makes of `--config FILE` and more flags."""
    words = ['train', f'--config={file}', *settings]
    values = flags.FlagValues()
    config_flags.DEFINE_config_file('config', flag_values=values, sys_argv=words)
    parse_flags(words, values)
    config = check_config(values['config'].value)
    validate(config)
    return config


def test_flags_change_fields_of_every_type():
    config = parse(
        '--config.name=other', '--config.seed=7', '--config.model.width=0.5',
        '--noconfig.data.flip', '--config.model.trunk=resnet50',
        '--config.data.buckets=((65, 33),)', '--config.data.train[0].name=voc2012',
        '--config.tasks.normals.transition=0.5', '--config.tasks.segmentation.decay_at=(0.5, 0.9)',
        '--config.optim.balancing.method=cagrad',
    )  # fmt: skip
    wanted = tiny_config.get_config()
    wanted.name, wanted.seed, wanted.model.width, wanted.data.flip = 'other', 7, 0.5, False
    wanted.model.trunk, wanted.data.buckets = c.Trunk.RESNET50, ((65, 33),)
    wanted.data.train[0].name = 'voc2012'
    wanted.tasks['normals'].transition = 0.5
    wanted.tasks['segmentation'].decay_at = (0.5, 0.9)
    wanted.optim.balancing.method = c.Balancing.CAGRAD
    assert config == wanted


@pytest.mark.parametrize('own', ['steps=6', 'epochs=1.5', 'images=12'])
@pytest.mark.parametrize(
    ('flag', 'lengths'),
    [
        ('steps=5', (5, None, None)),
        ('epochs=2', (None, 2.0, None)),
        ('images=480', (None, None, 480)),
    ],
)
def test_a_length_on_the_command_line_replaces_that_of_the_file(own, flag, lengths, tmp_path):
    path = tmp_path / 'own.py'
    path.write_text(
        'from ubernet_jax import config as c\n'
        f'def get_config():\n    return c.Config({own}, tasks={{"normals": c.Normals()}})\n'
    )
    config = parse(f'--config.{flag}', file=path)
    assert (config.steps, config.epochs, config.images) == lengths


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (['model.widht=2'], "model.widht: model has no 'widht'; it has trunk, width, scales"),
        (['widht=2'], "--config.widht: the configuration has no 'widht'; it has name, seed, steps"),
        (['tasks.depth.weight=1'], "tasks has no 'depth'; it has normals, segmentation"),
        (
            ['tasks.normals.foo=1'],
            "--config.tasks.normals.foo: tasks.normals has no 'foo'; it has batch_size,",
        ),
        # A field of another kind of task.
        (['tasks.normals.positive_share=1'], "tasks.normals has no 'positive_share'; it has"),
        (['steps.width=1'], "--config.steps.width: steps has no 'width'; it has none"),
        (['data.train[3].name=x'], "data.train has no '3'; it has 0"),
        (['data.train=x'], '--config.data.train: data.train is not a single value; it has 0'),
        (['model=x'], 'model is not a single value; it has trunk, width'),
        (['tasks.normals=x'], 'tasks.normals is not a single value; it has batch_size'),
        (['data.buckets[0]=3'], "data.buckets has no '0'"),
        (['data.train[0.name=x'], 'data.train[0.name'),
        (['steps=many'], 'flag --config.steps=many: invalid literal'),
        (['images=None'], 'flag --config.images=None: invalid literal'),
        (['optim.optimizer=lion'], 'value should be one of <sgd|adamw>'),
        (["data.buckets=(('a', 1),)"], "data.buckets[0][0] is 'a', but must be of type int"),
        (['steps=5', 'epochs=2'], 'given by steps=5 and epochs=2.0; give one of steps, epochs'),
    ],
)
def test_a_flag_that_cannot_be_is_refused_with_what_can(settings, message):
    with pytest.raises(UserError, match=re.escape(message)):
        parse(*(f'--config.{setting}' for setting in settings))


def test_a_task_whose_name_is_a_word_of_python_is_set_in_the_file(tmp_path):
    """A limit of ml_collections, said in a message."""
    path = tmp_path / 'own.py'
    path.write_text(
        'from ubernet_jax import config as c\n'
        'def get_config():\n    return c.Config(steps=1, tasks={"lambda": c.Normals()})\n'
    )
    with pytest.raises(UserError, match="Could not parse 'tasks.lambda.weight'"):
        parse('--config.tasks.lambda.weight=2', file=path)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(UserError, match='there is no file configs/none.py; name one such as'):
        load_config('configs/none.py:variant')


def test_a_file_of_any_name_whose_classes_are_dataclasses(tmp_path):
    path = tmp_path / 'settings.txt'
    path.write_text(
        'from __future__ import annotations\nimport dataclasses\n'
        'from ubernet_jax import config as c\n'
        '@dataclasses.dataclass\nclass Own:\n    steps: int = 3\n'
        'def get_config(name):\n'
        '    return c.Config(name=name, steps=Own().steps, tasks={"a": c.Normals()})\n'
    )
    config = load_config(f'{path}:one:two')
    assert (config.name, config.steps) == ('one:two', 3)


SETTINGS = 'from ubernet_jax import config as c\ndef get_config():\n'


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('def get_config(:', 'SyntaxError: invalid syntax (broken.py, line 1)'),
        ('import no_such_package', "No module named 'no_such_package'"),
        ('steps = 3', "has no attribute 'get_config'"),
        ('def get_config():\n    return 1 / 0', 'broken.py:2'),
        ('def get_config():\n    return {}', 'returned a dict'),
        ('def get_config():\n    open("nowhere.txt")', "No such file or directory: 'nowhere.txt'"),
        (
            f'{SETTINGS}    return c.ModelConfig(widht=1)',
            'broken.py:3). ModelConfig has trunk, width',
        ),
        (f'{SETTINGS}    return c.Normals(scale=1)', 'Normals has batch_size, learning_rate'),
        (f'{SETTINGS}    c.Normals().wieght = 2.0', 'broken.py:3). Normals has batch_size'),
        (f'{SETTINGS}    c.Config().widht = 1', 'broken.py:3). Config has name, seed'),
        (f'{SETTINGS}    return c.Optimizer.ADAMX', 'ADAMX'),
        (f'{SETTINGS}    return c.Config(steps="x")', "config.steps is 'x', but must be of type"),
    ],
)
@pytest.mark.parametrize('settings', [[], ['--config.steps=5']])
def test_a_broken_config_file_is_a_message(content, message, settings, tmp_path):
    path = tmp_path / 'broken.py'
    path.write_text(content)
    with pytest.raises(UserError, match=re.escape(message)):
        parse(*settings, file=path)
