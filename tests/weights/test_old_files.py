"""Files of versions before 0.2 and files with unknown kinds of tasks are refused.

Those without newer settings are read.
"""

import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import pytest
import safetensors.numpy

from helpers import tiny_config
from helpers.networks import make_solver
from ubernet_jax.config import Config, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.plugins import load_plugin
from ubernet_jax.tasks import KINDS
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.state import abstract_state
from ubernet_jax.weights.checkpoint_digests import DIGESTS
from ubernet_jax.weights.exported import load_exported, write_file
from ubernet_jax.weights.initial import adopt_preprocessing
from ubernet_jax.weights.trained import open_checkpoint

OLD = r'config\.tasks\.normals.* 0\.2.* ubernet_jax 0\.1'
MODULE = """
import dataclasses
from typing import ClassVar
from ubernet_jax.tasks import Normals, register

@register
@dataclasses.dataclass(kw_only=True)
class Tilted(Normals):
    kind: ClassVar[str] = 'tilted'
    degrees: float = 5.0
"""


def save(workdir: pathlib.Path, config: Config) -> pathlib.Path:
    """Saves a checkpoint of zeros at step 0; returns the file with its configuration."""
    checkpoints = Checkpoints(workdir)
    abstract = abstract_state(config, make_solver(config))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), abstract)
    checkpoints.save(zeros, config)
    checkpoints.finish()
    (path,) = (workdir / 'checkpoints' / '0' / 'config').glob('metadata')
    return path


def without_kinds(config: Config) -> dict:
    """A configuration in JSON as a version before 0.2 wrote it."""
    plain = serialization.to_json(config)
    for task in plain['tasks'].values():
        del task['kind']
    return plain


def test_a_checkpoint_of_an_older_version_is_refused(tmp_path):
    config = tiny_config.get_config()
    path = save(tmp_path, config)
    assert json.loads(path.read_text()) == serialization.to_json(config)
    path.write_text(json.dumps(without_kinds(config)))
    (tmp_path / 'checkpoints' / '0' / DIGESTS).unlink()
    with pytest.raises(UserError, match=f'{tmp_path}/checkpoints/0: {OLD}'):
        open_checkpoint(tmp_path)
    with pytest.raises(UserError, match=f'{tmp_path}/checkpoints/0: {OLD}'):
        Checkpoints(tmp_path).restore(config, 0, make_solver(config))


def test_an_exported_file_of_an_older_version_is_refused(tmp_path):
    path, config = tmp_path / 'a.safetensors', tiny_config.get_config()
    metadata = {'format': 'ubernet_jax', 'step': '0', 'config': json.dumps(without_kinds(config))}
    safetensors.numpy.save_file({}, path, metadata)
    with pytest.raises(UserError, match=f'{path}: {OLD}'):
        load_exported(path)
    config.model.weights = str(path)
    with pytest.raises(UserError, match=f'{path}: {OLD}'):
        adopt_preprocessing(config)


NEW = {  # settings that checkpoints of earlier commits do not have
    'optim': ('layer_decay',),
    'data': ('photometric',),
    'evaluation': ('flip', 'scales'),
}


def test_a_checkpoint_without_newer_settings_is_read_and_resumed(tmp_path):
    config = tiny_config.get_config()
    path = save(tmp_path, config)
    plain = json.loads(path.read_text())
    for part, fields in NEW.items():
        for field in fields:
            del plain[part][field]
    path.write_text(json.dumps(plain))
    (tmp_path / 'checkpoints' / '0' / DIGESTS).unlink()
    assert open_checkpoint(tmp_path).config == config
    assert Checkpoints(tmp_path).restore(config, 0, make_solver(config)).step == 0


@pytest.mark.parametrize(('decay', 'used'), [(0.0, False), (0.9, True)])
def test_a_setting_that_was_removed_is_refused_only_where_it_was_used(decay, used):
    config = tiny_config.get_config()
    plain = serialization.to_json(config)
    plain['optim'] |= {'ema': decay}
    plain['data'] |= {'temperature': 1.0}
    for group in (plain['optim']['shared'], *plain['tasks'].values()):
        group['warm_up'] = 0
    if used:
        with pytest.raises(UserError, match=r'optim\.ema is not a field of this version'):
            serialization.from_json(plain)
    else:
        assert serialization.from_json(plain) == config


@pytest.fixture
def plugin_config(tmp_path, monkeypatch):
    """A configuration with a kind of task that a plugin defines; the kind is removed afterwards."""
    (tmp_path / 'tilted_tasks.py').write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    load_plugin('tilted_tasks')
    config = tiny_config.get_config()
    config.tasks['normals'] = KINDS['tilted'](degrees=9.0)
    yield config
    KINDS.pop('tilted', None)
    sys.modules.pop('tilted_tasks')


NEEDED = r"tasks\.normals.*'tilted'.*--plugin tilted_tasks"


def test_the_error_for_a_checkpoint_names_the_missing_plugin(plugin_config, tmp_path):
    save(tmp_path / 'run', plugin_config)
    assert open_checkpoint(tmp_path / 'run').config == plugin_config
    del KINDS['tilted']
    with pytest.raises(UserError, match=f'{tmp_path}/run/checkpoints/0: config\\.{NEEDED}'):
        open_checkpoint(tmp_path / 'run')


def test_the_error_for_an_exported_file_names_the_missing_plugin(plugin_config, tmp_path):
    path = tmp_path / 'a.safetensors'
    write_file(path, {}, plugin_config, 0, {})
    del KINDS['tilted']
    with pytest.raises(UserError, match=f'{path}: config\\.{NEEDED}'):
        load_exported(path)
