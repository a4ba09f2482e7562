"""Every command in a block of the documentation is accepted by its program.

`tests/test_docs.py` and others run many of them. Here each one is parsed by the parser that would
parse it, and its configuration is loaded with its settings, without data and network.
"""

import argparse
import configparser
import importlib
import re
import shlex
import sys

import pytest
import yaml

from helpers.pages import PAGES, code_blocks
from helpers.paths import ROOT
from ubernet_jax import train
from ubernet_jax.commands import COMMANDS
from ubernet_jax.config.flags import load_config, override_config
from ubernet_jax.config.validation import validate
from ubernet_jax.doctor import command as doctor

PROGRAMS = ('ubernet', 'python', 'make', 'pip', 'srun')
# First words -> why the command is not checked here.
EXCEPTIONS = {
    'curl -O': 'downloads from the network',
    'python3.11 -m venv': 'creates a virtual environment',
    'NEW/bin/pip freeze': 'lists the packages of a virtual environment that does not exist',
}


def shell_commands(page: str) -> list[str]:
    """The commands of the shell blocks of a page; a block with another first word is none."""
    found = []
    for block in (*code_blocks(page, ''), *code_blocks(page, '(?:sh|bash|shell|console)')):
        lines = block.replace('\\\n', ' ').replace('&&', '').replace('SEED', '0').splitlines()
        lines = [line.strip() for line in lines if line and not line.startswith('#')]
        if lines and lines[0].startswith((*(f'{name} ' for name in PROGRAMS), *EXCEPTIONS)):
            found += lines
    return found


COMMAND_LINES = [(page, line) for page in PAGES for line in shell_commands(page)]


class ParsedError(Exception):
    """Ends a command after it has parsed its arguments."""


@pytest.fixture
def accept(monkeypatch, tmp_path):
    """Checks that a program accepts a command line."""
    write_configs(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    parse_args = argparse.ArgumentParser.parse_args

    def parse(parser: argparse.ArgumentParser, *arguments: list[str] | None) -> None:
        parse_args(parser, *arguments)
        raise ParsedError

    def stop(*_: object) -> None:
        raise ParsedError

    def load(name: str, settings: list[str]) -> None:
        validate(override_config(name, settings))
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', parse)
    for module in (train, doctor):
        monkeypatch.setattr(module, 'override_config', load)
    monkeypatch.setattr(doctor, 'diagnose', stop)  # called at once without a configuration

    def accept(line: str) -> None:
        program, *words = shlex.split(line, comments=True)
        if program == 'srun':
            program, *words = words
        monkeypatch.setattr(sys, 'argv', [program, *words])
        try:
            CHECKS[program](words)
        except SystemExit as stop:
            pytest.fail(f'{line}: exit code {stop.code}')

    return accept


def write_configs(folder) -> None:
    """Writes the files that the pages call configurations of the user, and a plugin."""
    (folder / 'configs').symlink_to(ROOT / 'configs')
    (folder / 'data' / 'prepared').mkdir(parents=True)
    (folder / 'my.py').write_text('from ubernet_jax.configs.mini import get_config\n')
    (both,) = code_blocks('docs/import.md', 'python')
    (folder / 'both.py').write_text(both)
    plugin, rooms = code_blocks('docs/adding_a_task.md', 'python')
    (folder / 'albedo.py').write_text(plugin)
    (folder / 'rooms.py').write_text(rooms)


def check_ubernet(words: list[str]) -> None:
    name, *arguments = words
    with pytest.raises(ParsedError):
        COMMANDS[name].load()(arguments)


def check_python(words: list[str]) -> None:
    """A benchmark, whose arguments end before a further command."""
    option, name, *arguments = words
    assert option == '-m' and name.startswith('benchmarks.')
    sys.argv[:] = [name, *arguments]
    with pytest.raises(ParsedError):
        importlib.import_module(name).main()


def check_make(words: list[str]) -> None:
    makefile = (ROOT / 'Makefile').read_text()
    assert words and all(f'\n{target}:' in makefile for target in words)


def check_pip(words: list[str]) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    (extras,) = re.findall(r'\[([\w,]+)\]', ' '.join(words))
    assert words[0] == 'install' and set(extras.split(',')) <= {*setup['options.extras_require']}


CHECKS = {
    'ubernet': check_ubernet,
    'python': check_python,
    'make': check_make,
    'pip': check_pip,
    'NEW/bin/pip': check_pip,
}


@pytest.mark.parametrize(('page', 'line'), COMMAND_LINES)
def test_a_command_of_a_page_is_accepted(page, line, accept):
    if not line.startswith(tuple(EXCEPTIONS)):
        accept(line)


def test_the_exceptions_are_commands_of_the_pages():
    for words in EXCEPTIONS:
        assert any(line.startswith(words) for _, line in COMMAND_LINES)


def test_the_command_of_the_kubernetes_job_is_accepted(accept):
    (block,) = (text for text in code_blocks('docs/scaling.md', '') if 'apiVersion' in text)
    job, _ = yaml.safe_load_all(block)
    (container,) = job['spec']['template']['spec']['containers']
    accept(container['args'][0].replace('$JOB_COMPLETION_INDEX', '1'))


def test_a_wrong_command_is_not_accepted(accept):
    for line in ('ubernet predict --checkpont runs/mini a.jpg', 'ubernet evaluate'):
        with pytest.raises(pytest.fail.Exception):
            accept(line)
    with pytest.raises(Exception, match='did you mean'):
        accept('ubernet train --config mini --workdir runs/a --config.modle.scales=1')
    assert load_config('my.py')
