"""Names of networks: paths, names in the hub, and URLs."""

import pathlib
import subprocess
import sys

import pytest

from ubernet_jax.errors import UserError
from ubernet_jax.weights.sources import describe_hub_source, find_source, results_base


def test_a_path_is_itself():
    for name in ('runs/mini', 'hf/a.safetensors', '/hf:/a', 'hf:a', 'C:/a'):
        path = pathlib.Path(name)
        assert find_source(name) == results_base(path) == path and not describe_hub_source(name)


def test_a_local_file_with_the_name_of_a_network_in_the_hub_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    local = tmp_path / 'hf:' / 'me' / 'net'
    local.mkdir(parents=True)
    for name in ('hf://me/net', pathlib.Path('hf://me/net')):
        with pytest.raises(UserError, match=f'hf:/+me/net.*{local}'):
            find_source(name)
    assert find_source(local) == local


def test_the_library_of_the_hub_is_imported_only_when_it_is_needed():
    code = (
        'import sys, ubernet_jax.weights.sources\n'
        "assert not {'huggingface_hub', 'httpx2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, '-c', code], check=True)
