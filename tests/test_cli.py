"""Exit codes and messages of the entry points, and the option --plugin."""

import pathlib
import shlex
import sys

import pytest

from ubernet_jax import cli
from ubernet_jax.config import Segmentation
from ubernet_jax.errors import UserError


def exit_code(error: BaseException | type[BaseException]) -> int:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stop:
        cli.run(main)
    return stop.value.code


def test_a_user_error_is_a_message_and_exit_code_2(capsys):
    assert exit_code(UserError('no such flag')) == 2
    assert capsys.readouterr().err == 'error: no such flag\n'


def test_an_error_of_the_disk_names_its_file(capsys):
    assert exit_code(OSError(28, 'No space left on device', 'log.jsonl')) == 2
    assert "No space left on device: 'log.jsonl'" in capsys.readouterr().err


def test_ctrl_c_is_a_message_and_exit_code_130(capsys):
    assert exit_code(KeyboardInterrupt) == 130
    assert capsys.readouterr().err == 'interrupted\n'


def test_other_exceptions_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 // 0)


def test_run_returns_if_main_succeeds():
    assert cli.run(lambda: None) is None
    assert cli.run(lambda: 0) is None


def test_main_may_return_an_exit_code():
    with pytest.raises(SystemExit) as stop:
        cli.run(lambda: 1)
    assert stop.value.code == 1


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A folder of modules on the module path of Python."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if name.startswith('plugin_'):
            del sys.modules[name]


def test_plugins_are_imported_while_arguments_are_parsed(plugins):
    for name in ('plugin_a', 'plugin_b'):
        (plugins / f'{name}.py').touch()
    parser = cli.make_parser('predict')
    parser.add_argument('files', nargs='+')
    words = ['--plugin', 'plugin_a', '--plugin', 'plugin_b', 'a.png', 'b.png']
    assert parser.parse_args(words).files == ['a.png', 'b.png']
    assert {'plugin_a', 'plugin_b'} <= set(sys.modules)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (
            None,
            r"plugin_kinds: .* \(ModuleNotFoundError: No module named 'plugin_kinds'\).*PYTHONPATH",
        ),
        ('import no_such_package', "ModuleNotFoundError: No module named 'no_such_package'"),
        ('1 / 0', r'\(ZeroDivisionError: division by zero\)'),
        (
            'from ubernet_jax.errors import UserError\nraise UserError("explains itself")',
            '^explains itself$',
        ),
    ],
)
def test_a_plugin_that_cannot_be_imported_gives_a_message(content, message, plugins):
    if content is not None:
        (plugins / 'plugin_kinds.py').write_text(content)
    with pytest.raises(UserError, match=message):
        cli.make_parser('predict').parse_args(['--plugin', 'plugin_kinds'])


def test_the_next_command_is_quoted_and_names_the_modules_of_its_tasks(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['/bin/ubernet'])
    foreign = type('Albedo', (), {'__module__': 'albedo'})()
    tasks = {'paint': foreign, 'roads': Segmentation()}
    line = cli.suggest('predict', '--checkpoint', pathlib.Path('runs/a b'), "o'x.jpg", tasks=tasks)
    words = ['ubernet', 'predict', '--checkpoint', 'runs/a b', "o'x.jpg", '--plugin', 'albedo']
    assert line.startswith('next: ') and shlex.split(line)[1:] == words
