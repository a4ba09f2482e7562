"""The command `ubernet train`: what is refused before anything is written."""

import pytest

from helpers import tiny_config
from helpers.commands import call_train
from ubernet_jax.errors import UserError


@pytest.fixture
def refuse(prepared, tmp_path):
    """Checks that training with these arguments is refused and writes nothing."""

    def refuse(*words: str, match: str) -> None:
        data = f'--config.data.directory={prepared}'
        workdir = tmp_path / 'run'
        with pytest.raises(UserError, match=match):
            call_train('--config', tiny_config.__file__, '--workdir', workdir, data, *words)
        assert not workdir.exists()

    return refuse


@pytest.mark.parametrize(
    ('word', 'option'),
    [
        ('--worksdir=x', '--workdir'),
        ('--skip-damaged-checkpoints', '--skip_damaged_checkpoints'),
        ('--unlike', ''),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_one(word, option, refuse):
    suggestion = rf'did you mean {option}\?' if option else r'Settings are given'
    refuse(word, match=rf'{word}.*{suggestion}.*ubernet settings')


@pytest.mark.parametrize(
    ('setting', 'suggestion'),
    [
        ('model.widht', 'model.width'),
        ('learning_rate', 'optim.shared.learning_rate'),
        ('data.train[0].repeats', r'data.train\[0\].repeat'),
        ('tasks.normal.batch_size', 'tasks.normals.batch_size'),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_one(setting, suggestion, refuse):
    escaped = setting.replace('[', r'\[').replace(']', r'\]')
    match = rf'--config\.{escaped}: .*did you mean .*--config\.{suggestion}\b.*ubernet settings'
    refuse(f'--config.{setting}=1', match=match)


def test_the_provenance_is_written_only_after_the_settings_are_valid(refuse):
    refuse('--config.model.scales=7', match=r'model\.scales is 7')


def test_a_negative_value_after_its_setting_is_not_an_option(refuse):
    refuse('--config.log_every', '-3', match=r'log_every is -3')
