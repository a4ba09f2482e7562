"""The list of all settings: complete, described, and as typed on the command line."""

import dataclasses

import pytest

from ubernet_jax import config as c
from ubernet_jax.config.documentation import Setting, list_sections
from ubernet_jax.config.flags import override_config
from ubernet_jax.config.serialization import to_json
from ubernet_jax.errors import UserError
from ubernet_jax.labels import Metres
from ubernet_jax.tasks import KINDS

SECTIONS = list_sections()
SETTINGS = [(section.title, setting) for section in SECTIONS for setting in section.settings]
EXAMPLE = """
from ubernet_jax import config as c

def get_config():
    datasets = [c.DatasetConfig()]
    return c.Config(
        tasks={'TASK': c.KINDS[KIND]()},
        data=c.DataConfig(train=datasets),
        evaluation=c.EvaluationConfig(benchmarks=datasets),
    )
"""


def find(path: str, kind: str = '') -> Setting:
    (found,) = [s for title, s in SETTINGS if s.path == path and title.endswith(kind)]
    return found


def test_the_list_has_every_field_of_every_dataclass():
    def count(settings: object) -> int:
        values = [getattr(settings, field.name) for field in dataclasses.fields(settings)]
        return sum(count(v) if dataclasses.is_dataclass(v) else 1 for v in values)

    common = {setting.path for title, setting in SETTINGS if title == 'tasks.TASK'}
    assert 'tasks.TASK.learning_rate' in common
    for kind in KINDS.values():
        title = f'({kind.__name__})'
        own = [setting for section, setting in SETTINGS if section.endswith(title)]
        assert len(own) == count(kind()) - len(common)
    general = [setting for title, setting in SETTINGS if not title.startswith('tasks')]
    lists = 3  # tasks, data.train and evaluation.benchmarks
    assert len(general) == count(c.Config()) - lists + 2 * count(c.DatasetConfig())


@pytest.mark.parametrize(('title', 'setting'), SETTINGS, ids=lambda part: getattr(part, 'path', ''))
def test_every_setting_and_every_value_of_an_enumeration_is_described(title, setting):
    assert setting.text, f'{title}: the docstring has no text for {setting.path} under Attributes'
    for value, text in setting.options.items():
        assert text, f'{setting.path}: the docstring of the enumeration has no text for {value}'


@pytest.mark.parametrize('kind', KINDS)
def test_every_setting_can_be_typed_with_its_default(kind, tmp_path):
    (tmp_path / 'example.py').write_text(EXAMPLE.replace('KIND]', f'{kind!r}]'))
    titles = ('', KINDS[kind].__name__)
    typed = [s for title, s in SETTINGS if title.partition('(')[2].rstrip(')') in titles]
    typed = [s for s in typed if s.default not in ('None', '{}')]
    name = str(tmp_path / 'example.py')
    changed = override_config(name, [f'--config.{s.path}={s.default}' for s in typed])
    assert to_json(changed) == to_json(override_config(name, []))


def test_defaults_types_and_allowed_values_are_those_of_the_code():
    width = find('model.width')
    assert (width.type, width.default) == ('float', '1.0') and '16' in width.allowed
    assert find('optim.shared.batch_size').default == '30'
    assert find('tasks.TASK.batch_size').default == '10'
    assert find('tasks.TASK.stride', '(Segmentation)').default == '8'
    assert find('tasks.TASK.stride', '(Boundaries)').default == '1'
    assert find('steps').default == 'None' and find('steps').type == 'int or None'
    assert (
        find('data.buckets').type == 'list of (int, int)'
        and '32k+1' in find('data.buckets').allowed
    )
    assert set(find('data.leaks').options) == {leak.value for leak in c.Leaks}
    assert 'labels' in find('data.train[0].labels').path and not find('data.flip').allowed


def test_a_kind_of_task_of_a_plugin_is_listed_however_it_checks_its_values(monkeypatch):
    @dataclasses.dataclass(kw_only=True)
    class Heat(c.Depth):
        """Degrees.

        Attributes:
          hottest: highest temperature,
            in degrees.
        """

        kind = 'heat'
        label_kind = Metres
        hottest: float = 40.0

        def validate(self, where: str) -> None:
            super().validate(where)
            if self.hottest < 0:
                raise UserError('too cold')

    monkeypatch.setitem(KINDS, 'heat', Heat)
    (section,) = [part for part in list_sections() if part.title == 'tasks.TASK (Heat)']
    assert section.text == 'Degrees.'
    hottest = section.settings[-1]
    assert (hottest.default, hottest.allowed) == ('40.0', '')
    assert hottest.text == 'highest temperature, in degrees.'
    assert section.settings[-2].path == 'tasks.TASK.valid' and section.settings[-2].text
