"""The command `ubernet` and its subcommands: their help, version and start."""

import importlib.metadata
import re
import subprocess
import sys

import pytest

import ubernet_jax
from helpers.paths import ROOT
from ubernet_jax import __main__, train
from ubernet_jax.commands import COMMANDS


def run(monkeypatch, capsys, *words: str, program: str = '/bin/ubernet') -> tuple[int, str]:
    """Calls the command in this process; returns its exit code and output."""
    monkeypatch.setattr(sys, 'argv', [program, *words])
    monkeypatch.setattr(sys, 'path', [*sys.path])
    try:
        __main__.main()
        code = 0
    except SystemExit as stop:
        code = stop.code
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.fixture
def call(monkeypatch, capsys):
    return lambda *words, **options: run(monkeypatch, capsys, *words, **options)


@pytest.mark.parametrize('words', [(), ('--help',)])
def test_all_commands_are_listed_with_a_sentence(call, words):
    code, text = call(*words)
    assert code == 0 and text.startswith('usage: ubernet ')
    for name, command in COMMANDS.items():
        assert name in text and command.summary.split()[0] in text
        assert command.summary.endswith('.')


def test_the_version_is_that_of_the_metadata(call):
    version = importlib.metadata.version('ubernet_jax')
    assert version == ubernet_jax.__version__
    assert call('--version') == (0, f'ubernet_jax {version}\n')


def test_an_unknown_command_is_refused_and_the_known_ones_are_listed(call):
    code, text = call('trian')
    assert code == 2 and 'trian' in text and 'evaluate' in text


@pytest.mark.parametrize('name', COMMANDS)
def test_the_help_of_a_command_has_its_name_and_its_examples(call, name):
    command = COMMANDS[name]
    code, text = call(name, '--help')
    assert code == 0 and text.startswith(f'usage: ubernet {name} ')
    assert command.summary in text
    for example in command.examples:
        assert f'\n  {example}\n' in text and example.startswith(f'ubernet {name}')
    assert '__' not in text and 'python -m ubernet_jax.' not in text


@pytest.mark.parametrize('name', COMMANDS)
def test_the_examples_of_a_command_have_only_options_of_its_help(call, name):
    helps = call(name, '--help')[1]
    for example in COMMANDS[name].examples:
        words = example.split()[2:]
        if name == 'weights':
            helps += call(name, words[0], '--help')[1]
        for option in re.findall(r'--[\w-]+', example):
            assert option in helps, example


def test_the_help_names_the_program_that_was_started(call):
    text = call('score', '--help', program='/package/metrics/__main__.py')[1]
    assert text.startswith('usage: python -m ubernet_jax.metrics ')


def test_the_help_of_training_says_how_settings_are_given_and_described(call):
    text = call('train', '--help')[1]
    assert '--config.tasks.' in text and 'ubernet settings' in text


def test_a_command_gets_its_arguments_and_finds_modules_of_the_folder(call, monkeypatch, tmp_path):
    (tmp_path / 'plugin_of_the_folder.py').touch()
    monkeypatch.chdir(tmp_path)
    code, text = call('train', '--plugin', 'plugin_of_the_folder', '--config', 'nowhere')
    assert code == 2 and 'nowhere' in text and 'quickstart' in text
    assert 'plugin_of_the_folder' in sys.modules


def test_listing_the_commands_imports_no_library():
    script = (
        'import sys; sys.argv[1:] = ["--help"]\n'
        'from ubernet_jax import __main__\n'
        'try: __main__.main()\n'
        'except SystemExit: pass\n'
        'assert not {"jax", "numpy", "absl", "tensorflow_datasets"} & set(sys.modules)'
    )
    done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_modules_of_the_commands_can_be_started_with_python():
    for name, command in COMMANDS.items():
        path = ROOT / 'ubernet_jax' / command.module
        file = path / '__main__.py' if path.is_dir() else path.with_suffix('.py')
        assert "if __name__ == '__main__':\n    cli.run(main)" in file.read_text(), name
    assert COMMANDS['train'].load() is train.main


def test_the_citation_has_the_version_and_the_paper():
    text = (ROOT / 'CITATION.cff').read_text()
    assert f'\nversion: {ubernet_jax.__version__}\n' in text
    assert 'arXiv:1609.02132' in text and 'Kokkinos' in text and 'year: 2017' in text
