"""Networks in the hub: pushed, fetched, cached and refused, against a server on this machine."""

import pathlib
import re
import shutil

import jax
import numpy as np
import pytest
import safetensors.numpy

from helpers import weight_files
from helpers.hub_server import HubServer, sha256, use_hub
from ubernet_jax import UberNet
from ubernet_jax.errors import UserError
from ubernet_jax.weights import __main__ as weights
from ubernet_jax.weights import hub
from ubernet_jax.weights.exported import read_file
from ubernet_jax.weights.hub_fetch import fetch
from ubernet_jax.weights.initial import load_start
from ubernet_jax.weights.sources import describe_hub_source, find_source
from ubernet_jax.weights.trained import open_checkpoint, read_training_data, results_folder

pytest.importorskip('huggingface_hub', reason='the extra `hub` (huggingface_hub) is not installed')

NAME = 'hf://me/net'


@pytest.fixture
def server(tmp_path, monkeypatch):
    fetch.cache_clear()
    with HubServer() as server:
        use_hub(monkeypatch, server.url, tmp_path / 'cache')
        yield server
    fetch.cache_clear()


@pytest.fixture
def shared(server, exported) -> str:
    """The hash of the commit with the tiny network."""
    return server.commit('me/net', {'tiny.safetensors': exported.read_bytes()})


def test_a_pushed_network_is_loaded_again(server, exported, capsys):
    weights.main(['push', str(exported), NAME])
    ((commit, files),) = server.commits['me/net'].items()
    digest = sha256(exported.read_bytes())
    assert f'hf://me/net@{commit}/tiny.safetensors, SHA-256 {digest}' in capsys.readouterr().out
    assert files['tiny.safetensors'] == exported.read_bytes()
    card = files['README.md'].decode()
    assert card.startswith('---\nlibrary_name: ubernet_jax\n') and digest in card
    assert "UberNet.load('hf://me/net')" in card and '| normals | normals |' in card
    assert not server.private

    trained, local = open_checkpoint(pathlib.Path(NAME)), open_checkpoint(exported)
    assert trained.config == local.config
    jax.tree.map(np.testing.assert_array_equal, trained.params, local.params)
    assert list(UberNet.load(NAME).tasks) == list(local.config.tasks)
    printed = capsys.readouterr().err
    assert commit in printed and digest in printed


def test_a_second_push_keeps_the_model_card_and_other_files(server, exported, tmp_path):
    first = server.commit('me/net', {'README.md': b'mine', 'a.txt': b'a'})
    weights.main(['push', str(exported), f'{NAME}/other.safetensors'])
    second = list(server.commits['me/net'].values())[-1]
    assert set(second) == {'README.md', 'a.txt', 'other.safetensors'}
    assert second['README.md'] == b'mine' and first in server.commits['me/net']


def test_a_private_repository(server, exported):
    weights.main(['push', str(exported), NAME, '--private'])
    assert server.private == {'me/net'}


def test_a_revision_is_fetched(server, shared, exported):
    changed = safetensors.numpy.save({'a': np.zeros(1)})
    server.commit('me/net', {'tiny.safetensors': changed})
    with pytest.raises(UserError, match='does not hold a network of this package'):
        open_checkpoint(pathlib.Path(NAME))
    assert find_source(f'{NAME}@{shared}').read_bytes() == exported.read_bytes()
    source = describe_hub_source(f'{NAME}@{shared}')
    digest = sha256(exported.read_bytes())
    assert source == f'hf://me/net@{shared}/tiny.safetensors (SHA-256 {digest})'


@pytest.mark.parametrize('name', [NAME, f'{NAME}@main', f'{NAME}/tiny.safetensors'])
def test_a_second_fetch_needs_no_network(name, server, shared, exported):
    first = fetch(name)
    server.stop()
    fetch.cache_clear()
    assert fetch(name) == first and first.path.read_bytes() == exported.read_bytes()


def test_training_starts_from_it_and_results_are_written_beside_its_name(server, shared):
    trained = open_checkpoint(pathlib.Path(NAME))
    start = load_start(NAME, trained.params, trained.batch_stats)
    assert start.summary.startswith(NAME)
    assert read_training_data(pathlib.Path(NAME)) is None
    assert results_folder(pathlib.Path(f'{NAME}@main'), '3') == pathlib.Path('net/results/3')


def test_what_is_made_of_it_names_its_commit(server, shared, tmp_path, capsys):
    out = tmp_path / 'again.safetensors'
    weights.main(['export', '--checkpoint', NAME, '--out', str(out)])
    (source,) = read_file(out).card['sources']
    assert source.startswith(f'hf://me/net@{shared}/tiny.safetensors (SHA-256 ')
    weights.main(['show', NAME])
    assert '"normals"' in capsys.readouterr().out


def test_weights_of_other_networks_are_imported_from_it(server, tmp_path):
    content = safetensors.numpy.save(weight_files.resnet_state())
    commit = server.commit('them/resnet50', {'model.safetensors': content})
    out = tmp_path / 'resnet.safetensors'
    weights.main(['import', 'hf://them/resnet50', '--out', str(out)])
    (source,) = read_file(out).card['sources']
    assert commit in source and sha256(content) in source and source.endswith('(resnet50)')


def test_a_damaged_file_is_refused(server, shared):
    server.damaged = True
    with pytest.raises(UserError, match=rf'{NAME}.*SHA-256.*delete'):
        fetch(NAME)


def test_only_the_named_file_of_several_is_fetched(server, exported):
    content = exported.read_bytes()
    server.commit('me/net', {'a.safetensors': content, 'b/c.safetensors': content, 'd.bin': b'd'})
    with pytest.raises(UserError, match=r'a\.safetensors, b/c\.safetensors.*/FILE\.safetensors'):
        fetch(NAME)
    path = fetch(f'{NAME}/b/c.safetensors').path
    assert path.read_bytes() == content
    assert {file.name for file in (path.parents[1]).rglob('*') if file.is_file()} == {path.name}


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('hf://me/absent', r'hf://me/absent.*me/absent.*HF_TOKEN'),
        (f'{NAME}@v2', r'hf://me/net@v2.*v2.*branch, a tag or a commit'),
        (f'{NAME}/x.safetensors', r'x\.safetensors.*tiny\.safetensors'),
        (f'{NAME}/x.bin', r'x\.bin.*\.safetensors'),
        ('hf://net', r'hf://net .*hf://OWNER/NAME'),
        ('hf://datasets/me/net', r'datasets/me/net.*hf://OWNER/NAME'),
        ('hf://me/n et', r'me/n et.*hf://OWNER/NAME'),
    ],
)  # fmt: skip
def test_what_is_not_in_the_hub_is_refused(name, message, server, shared):
    with pytest.raises(UserError, match=message):
        open_checkpoint(pathlib.Path(name))


def test_a_file_that_is_too_large_is_not_fetched(server, shared, monkeypatch, tmp_path):
    monkeypatch.setattr('ubernet_jax.weights.hub_fetch.MAX_BYTES', 1000)
    with pytest.raises(UserError, match=r'tiny\.safetensors has'):
        fetch(NAME)
    assert not list(tmp_path.rglob('tiny.safetensors'))


def test_without_network_and_cache_the_address_of_the_hub_is_named(server, shared):
    server.stop()
    with pytest.raises(UserError, match=rf'{NAME}: {server.url} cannot be reached.*HF_ENDPOINT'):
        fetch(NAME)


def test_a_push_without_a_token_is_refused(server, exported, monkeypatch):
    monkeypatch.setenv('HF_TOKEN', 'hf_other')
    with pytest.raises(UserError, match=rf'{NAME}.*401.*HF_TOKEN'):
        weights.main(['push', str(exported), NAME])


def test_only_complete_files_of_this_package_are_pushed(server, exported, tmp_path):
    other, damaged = tmp_path / 'other.safetensors', tmp_path / 'damaged.safetensors'
    safetensors.numpy.save_file({'a': np.zeros(1)}, other)
    content = bytearray(exported.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    text = shutil.copy(exported, tmp_path / 'tiny.bin')
    for file in (other, damaged, text):
        with pytest.raises(UserError, match=re.escape(str(file))):
            weights.main(['push', str(file), NAME])
    with pytest.raises(UserError, match='runs/mini .*hf://OWNER/NAME'):
        weights.main(['push', str(exported), 'runs/mini'])
    assert not server.commits


def test_the_error_for_a_missing_extra_names_it(monkeypatch):
    monkeypatch.setattr(hub, 'HUB_PACKAGE', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[hub\]"'):
        find_source(NAME)
