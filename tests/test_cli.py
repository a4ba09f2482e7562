"""How entry points end."""

import sys

import pytest

from ubernet_jax import cli
from ubernet_jax.errors import UserError


def ending(error: BaseException | type[BaseException]) -> int:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stop:
        cli.run(main)
    return stop.value.code


def test_a_user_error_is_a_message_and_exit_code_2(capsys):
    assert ending(UserError('no such flag')) == 2
    assert capsys.readouterr().err == 'error: no such flag\n'


def test_a_fault_of_the_disk_names_its_file(capsys):
    assert ending(OSError(28, 'No space left on device', 'log.jsonl')) == 2
    assert "No space left on device: 'log.jsonl'" in capsys.readouterr().err


def test_ctrl_c_is_a_message_and_exit_code_130(capsys):
    assert ending(KeyboardInterrupt) == 130
    assert capsys.readouterr().err == 'interrupted\n'


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 // 0)


def test_a_main_that_ends_well_just_returns():
    assert cli.run(lambda: None) is None


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A folder of modules, where Python finds them."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if name.startswith('own_'):
            del sys.modules[name]


def test_plugins_are_imported_as_they_are_parsed(plugins):
    for name in ('own_one', 'own_two'):
        (plugins / f'{name}.py').touch()
    parser = cli.make_parser('predict', 'About it.')
    parser.add_argument('files', nargs='+')
    words = ['--plugin', 'own_one', '--plugin', 'own_two', 'a.png', 'b.png']
    assert parser.parse_args(words).files == ['a.png', 'b.png']
    assert {'own_one', 'own_two'} <= set(sys.modules)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, r"own_kinds: .* \(ModuleNotFoundError: No module named 'own_kinds'\).*PYTHONPATH"),
        ('import no_such_package', "ModuleNotFoundError: No module named 'no_such_package'"),
        ('1 / 0', r'\(ZeroDivisionError: division by zero\)'),
        (
            'from ubernet_jax.errors import UserError\nraise UserError("explains itself")',
            '^explains itself$',
        ),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_a_message(content, message, plugins):
    if content is not None:
        (plugins / 'own_kinds.py').write_text(content)
    with pytest.raises(UserError, match=message):
        cli.make_parser('predict', 'About it.').parse_args(['--plugin', 'own_kinds'])
