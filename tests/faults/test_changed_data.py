"""A run that is continued after its training data have changed."""

import pathlib
import shutil

import pytest
from PIL import Image

from ubernet_jax import prepare
from ubernet_jax.errors import UserError
from ubernet_jax.train import train
from ubernet_jax.weights.trained import open_checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture
def changed(prepared, tmp_path) -> pathlib.Path:
    """The tiny dataset, prepared again with a fifth training image."""
    source = shutil.copytree(prepared.parent / 'tiny', tmp_path / 'source' / 'tiny')
    Image.new('RGB', (65, 33)).save(source / 'train' / 'images' / 'black.png')
    out = tmp_path / 'changed'
    prepare.main(['folder/tiny', '--source', str(source.parent), '--directory', str(out)])
    return out


def test_a_run_continues_on_changed_data_only_when_told_to(config, stopped, changed, capsys):
    config.data.directory, config.steps = str(changed), 4
    with pytest.raises(UserError, match='--allow_changed_data') as error:
        train(config, stopped)
    assert str(stopped) in str(error.value)
    assert 'folder/tiny:train: 4 images, now 5; ids added: black' in str(error.value)
    assert open_checkpoint(stopped).step == 3
    train(config, stopped, allow_changed_data=True)
    output = capsys.readouterr().out
    assert 'ids added: black' in output and 'starting at step 3' in output
    train(config, stopped)  # the newest checkpoint has the changed data
    assert open_checkpoint(stopped).step == 4
