"""The provenance of a run: command, commit and machine."""

import json
import subprocess
import sys

import jax
import pytest

import ubernet_jax
from ubernet_jax.monitoring.provenance import write_provenance


def test_command_commit_and_machine(tmp_path, monkeypatch):
    git = ['git', '-c', 'user.name=a', '-c', 'user.email=a@b', '-C', str(tmp_path)]
    package = tmp_path / 'ubernet_jax' / '__init__.py'
    package.parent.mkdir()
    package.write_text('')
    monkeypatch.setattr(ubernet_jax, '__file__', str(package))
    monkeypatch.setattr(sys, 'argv', ['/bin/ubernet', '--config', 'a b.py'])
    monkeypatch.setattr(sys.modules['__main__'], '__spec__', None)

    def read_written() -> dict:
        write_provenance(tmp_path)
        return json.loads((tmp_path / 'provenance.json').read_text())

    assert read_written()['commit'] == 'unknown'
    try:
        for words in (['init', '-q'], ['add', 'ubernet_jax'], ['commit', '-qm', 'first']):
            subprocess.run([*git, *words], check=True)
    except FileNotFoundError:
        pytest.skip('git is not installed')
    head = subprocess.run([*git, 'rev-parse', 'HEAD'], capture_output=True, text=True).stdout
    facts = read_written()
    assert head.startswith(facts['commit']) and len(facts['commit']) >= 7
    assert 'weights' not in facts
    write_provenance(tmp_path, 'hf://me/net@0')
    assert json.loads((tmp_path / 'provenance.json').read_text())['weights'] == 'hf://me/net@0'
    assert facts['command'] == "ubernet --config 'a b.py'"
    assert 'CPU cores' in facts['machine'] and f'jax {jax.__version__}' in facts['machine']
    package.write_text('changed')
    assert read_written()['commit'] == facts['commit'] + '-dirty'
