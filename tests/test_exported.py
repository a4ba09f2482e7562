"""One file a network: which names it may have."""

import pytest

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.weights.exported import TrainedNetwork, save_exported


@pytest.mark.parametrize('name', ['network.bin', 'network', 'folder.safetensors'])
def test_a_name_that_is_not_read_back_is_refused(tmp_path, name):
    (tmp_path / 'folder.safetensors').mkdir()
    with pytest.raises(UserError, match=r'must be a file whose name ends in \.safetensors'):
        save_exported(TrainedNetwork(Config(), 0, {}, {}), tmp_path / name)
