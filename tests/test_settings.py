"""The command that describes settings."""

import pytest

from ubernet_jax.errors import UserError
from ubernet_jax.settings import main


def describe(capsys, *words: str) -> str:
    main(words)
    return capsys.readouterr().out


def test_all_settings_are_printed_within_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '70')
    text = describe(capsys)
    assert '--config.seed=0' in text and '--config.tasks.TASK.detector.pooling=max' in text
    prose = [line for line in text.splitlines() if '--config' not in line]
    assert max(map(len, prose)) <= 70


@pytest.mark.parametrize(
    ('path', 'present', 'absent'),
    [
        ('optim.shared', 'optim.shared.polynomial=False', 'tasks.TASK.polynomial'),
        ('learning_rate', 'tasks.TASK.learning_rate=0.001', 'momentum'),
        ('tasks.weeds.stride', 'tasks.TASK.stride=8', 'hidden'),
        ('data.train[3].repeat', 'data.train[0].repeat=1', 'evaluation'),
        ('pooling', 'align: RoIAlign', 'width'),
        ('steps', '--config.steps\n', '--config.images'),
    ],
)
def test_the_settings_with_a_name_in_their_path_are_printed(capsys, path, present, absent):
    text = describe(capsys, path)
    assert present in text and absent not in text


def test_an_unknown_path_is_refused_with_the_parts(capsys):
    with pytest.raises(UserError, match='learning.*optim.shared'):
        main(['learning'])
