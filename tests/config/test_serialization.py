"""Configurations as JSON, and as typed dataclasses again."""

import json
import re

import pytest

from ubernet_jax import config as c
from ubernet_jax.config.serialization import differences, from_json, to_json
from ubernet_jax.errors import UserError


def make_config() -> c.Config:
    return c.Config(
        steps=9,
        tasks={name: c.PAPER[name]() for name in ('parts', 'boundaries', 'normals', 'detection')},
        data=c.DataConfig(train=[c.DatasetConfig(name='first'), c.DatasetConfig(name='second')]),
    )


def test_fields_of_every_type_are_restored_from_json():
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
    restored = from_json(json.loads(json.dumps(to_json(config))))
    assert restored == config
    assert [type(task) for task in restored.tasks.values()] == [
        c.Segmentation, c.Boundaries, c.Normals, c.Detection, c.SoftMask
    ]  # fmt: skip
    assert isinstance(restored.data.buckets[0], tuple)
    assert restored.optim.optimizer is c.Optimizer.ADAMW


def test_absent_fields_get_their_defaults():
    assert from_json({'seed': 3, 'model': {'width': 0.5}}) == c.Config(
        seed=3, model=c.ModelConfig(width=0.5)
    )


@pytest.mark.parametrize(
    ('plain', 'field', 'known'),
    [
        ({'colour': 'red'}, 'file.colour', 'name, seed, steps'),
        ({'seed': 3, 'model': {'widht': 0.5}}, 'file.model.widht', 'trunk, width'),
        ({'data': {'train': [{'nome': 'voc2012'}]}}, 'file.data.train[0].nome', 'name, split'),
        (
            {'tasks': {'road': {'kind': 'soft_mask', 'transition': 1.0}}},
            'file.tasks.road.transition',
            'positive_share',
        ),
        ({'model': {'kind': 'vgg'}}, 'file.model.kind', 'trunk, width'),  # a key of tasks only
    ],
)
def test_an_unknown_field_is_refused_and_the_known_fields_are_listed(plain, field, known):
    with pytest.raises(UserError, match=f'{re.escape(field)}(.|\n)*{known}'):
        from_json(plain, 'file')


@pytest.mark.parametrize(
    ('plain', 'got', 'allowed'),
    [
        (7, 'file is 7', 'fields'),
        ({'steps': 1.5}, 'file.steps is 1.5', 'int'),
        ({'images': True}, 'file.images is True', 'int'),
        ({'epochs': '2'}, "file.epochs is '2'", 'float'),
        ({'model': {'remat': 1}}, 'file.model.remat is 1', 'bool'),
        ({'model': {'width': True}}, 'file.model.width is True', 'float'),
        ({'model': {'mean': [1.0]}}, 'file.model.mean is [1.0]', '3 values'),
        ({'data': {'buckets': [[33, 'a']]}}, "file.data.buckets[0][1] is 'a'", 'int'),
        ({'tasks': {'parts': None}}, 'file.tasks.parts is None', 'fields'),
        ({'tasks': []}, 'file.tasks is []', 'names'),
        ({'tasks': {'road': {'kind': 'lines'}}}, "file.tasks.road is of kind 'lines'", 'soft_mask'),
        ({'tasks': {'road': {'kind': []}}}, 'file.tasks.road is of kind []', 'soft_mask'),
        (
            {'tasks': {'road': {'kind': 'soft_mask', 'positive_share': 'x'}}},
            "file.tasks.road.positive_share is 'x'",
            'float',
        ),
        ({'optim': {'optimizer': 'lion'}}, "optimizer is 'lion'", 'sgd, adamw'),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_field(plain, got, allowed):
    with pytest.raises(UserError, match=f'{re.escape(got)}.*{allowed}'):
        from_json(plain, 'file')


def test_an_integer_is_accepted_for_a_float():
    assert from_json({'model': {'width': 1}}).model.width == 1


def test_differences_name_every_leaf():
    ours, theirs = make_config(), make_config()
    assert differences(to_json(ours), to_json(theirs)) == []
    theirs.model.width = 0.5
    theirs.optim.algorithm = c.Algorithm.SYNCHRONOUS
    del theirs.tasks['parts']
    task, width, algorithm = differences(to_json(ours), to_json(theirs))
    assert task.startswith('tasks.parts: ')
    assert re.match(r'model\.width: 1\.0\b.*\b0\.5', width)
    assert re.match(r'optim\.algorithm: asynchronous\b.*\bsynchronous', algorithm)
