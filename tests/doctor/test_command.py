"""`python -m ubernet_jax.doctor`: the machine, the text, wrong arguments."""

import json
import subprocess
import sys

import jax
import numpy as np
import pytest

from helpers.diagnosis import SHARD, diagnose, write_config
from helpers.paths import ROOT
from ubernet_jax.doctor import command as doctor
from ubernet_jax.errors import UserError

# ml_collections warns when it loads a config file.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')


def test_the_machine_is_described(healthy, capsys):
    _, report = diagnose(capsys, healthy)
    environment = report['environment']
    assert environment['versions']['jax'] == jax.__version__
    assert environment['versions']['numpy'] == np.__version__
    assert set(environment['versions']) == {'python', 'ubernet_jax', 'jax', 'jaxlib', 'numpy'}
    assert len(environment['devices']) == len(jax.devices()) and environment['error'] == ''
    assert environment['cores'] >= 1 and environment['memory'] > 2**28


def test_the_text_report_has_tables(healthy, capsys):
    assert doctor.main(['--data-root', str(healthy)]) == 0
    lines = [' '.join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert 'synthetic ready train 3 240 161 161 0' in lines
    assert 'test 1 40 161 161 0' in lines
    assert 'folder/copy ready test 1 - 120 120 0' in lines
    assert 'folder/copy test segmentation 1 1 100.0% -' in lines
    assert any(line.startswith('absent: bsds500, voc2007') for line in lines)


def test_a_machine_without_a_device(healthy, capsys, monkeypatch):
    def refuse() -> None:
        raise RuntimeError('no driver')

    monkeypatch.setattr(jax, 'devices', refuse)
    code, report = diagnose(capsys, healthy)
    assert code == 1 and 'no driver' in report['environment']['error']


def test_missing_folders_and_config_files_are_reported(tmp_path):
    with pytest.raises(UserError, match=r'none\b.*--data-root'):
        doctor.main(['--data-root', str(tmp_path / 'none')])
    with pytest.raises(UserError, match=str(tmp_path)):
        doctor.main(['--data-root', str(tmp_path)])
    with pytest.raises(UserError, match=r'none\.py'):
        doctor.main(['--config', str(tmp_path / 'none.py')])


def test_settings_are_changed_as_for_training(healthy, tmp_path, capsys):
    config = ['--config', write_config(tmp_path)]
    code, report = diagnose(capsys, healthy, *config, '--config.name=other')
    assert (code, report['config']['name'], report['config']['errors']) == (0, 'other', [])
    code, report = diagnose(capsys, healthy, *config, '--config.data.train[0].name=sbd')
    assert code == 1 and 'sbd' in report['config']['errors'][0]
    for wrong in ('--config.nothing=1', '--nothing', 'nothing'):
        with pytest.raises(UserError, match='nothing'):
            doctor.main(['--data-root', str(healthy), *config, wrong])
    with pytest.raises(SystemExit) as exit:
        doctor.main(['--data-root', str(healthy), '--config.name=other'])
    assert exit.value.code == 2


def test_the_command_line(prepared):
    (prepared / SHARD).unlink()
    words = ['-m', 'ubernet_jax.doctor', '--json', '--data-root', str(prepared)]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert not json.loads(done.stdout)['healthy']
