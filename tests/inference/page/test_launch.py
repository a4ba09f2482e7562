"""The running web page without a browser: what it serves, and what it refuses."""

import concurrent.futures
import contextlib
import pathlib
import re
import signal

import pytest

from helpers import page_files
from helpers.page_server import TIMEOUT, choose_sample, needs_gradio, predict, running, send, status
from helpers.paths import ROOT

pytestmark = [needs_gradio, pytest.mark.slow]


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp('server')


@pytest.fixture(scope='module')
def server(exported, root):
    with running(exported, root, '--name', 'page.example') as server:
        yield server


def test_the_terminal_shows_the_address_and_no_public_link(server):
    assert server.address in server.printed.read_text()
    assert 'share' not in server.printed.read_text()


@pytest.mark.parametrize('path', ['/monitoring', '/openapi.json', '/gradio_api/info', '/config'])
def test_what_the_page_does_not_need_is_not_served(server, path):
    assert status(f'{server.address}{path}') == 404


def test_only_known_names_are_served(server):
    assert status(server.address, Host='page.example') == 200
    assert status(server.address, Host='evil.example') == 421


@pytest.mark.parametrize(
    'path', ['/etc/passwd', '../../../../etc/passwd', '..%2f..%2f..%2fetc%2fpasswd', str(ROOT)]
)
def test_no_file_of_the_server_is_served(server, root, path):
    assert status(f'{server.address}/gradio_api/file={path}') == 404
    (folder,) = (root / 'temporary').iterdir()
    assert status(f'{server.address}/gradio_api/file={folder}/{path}') in (403, 404)


def completed(messages: list[dict]) -> dict:
    (found,) = [message for message in messages if message['msg'] == 'process_completed']
    return found


def test_an_upload_is_predicted(server):
    path = send(server.address, 'photo.jpg', page_files.photograph())
    messages = predict(server.address, path)
    assert 'being read' in str(messages)
    assert re.search('The network predicts|The network is being compiled', str(messages))
    assert completed(messages)['success']
    assert completed(messages)['output']['data'][1]['value']['path'].endswith('ubernet.zip')
    assert status(f'{server.address}/gradio_api/file={path}') == 200


def test_a_file_that_takes_long_delays_no_other_visitor(server):
    slow = send(server.address, 'large.png', page_files.large())
    quick = send(server.address, 'photo.jpg', page_files.photograph())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(predict, server.address, slow)
        messages = predict(server.address, quick)
        later = waiting.result()  # predicted, or refused on a slow machine
    assert completed(messages)['success']
    assert completed(messages)['received'] < completed(later)['received']


def test_a_chosen_sample_leaves_the_upload_as_it_is(server):
    sample = completed(choose_sample(server.address, 'visitor'))['output']['data'][0]['path']
    assert completed(predict(server.address, sample, 'visitor'))['success']
    messages = predict(server.address, send(server.address, 'a.png', page_files.EPS), 'visitor')
    assert 'a.png' in str([message for message in messages if message['msg'] == 'log'])


@pytest.mark.parametrize('path', ['/etc/passwd', '../../etc/passwd', 'http://127.0.0.1:1/a.png'])
def test_only_uploaded_files_are_predicted(server, path):
    messages = predict(server.address, path)
    assert not completed(messages)['success']
    assert 'root:' not in str(messages)


def test_a_server_deletes_its_files_when_it_stops(exported, tmp_path):
    with running(exported, tmp_path) as server:
        predict(server.address, send(server.address, 'photo.jpg', page_files.photograph()))
        assert list((tmp_path / 'temporary').rglob('*.jpg'))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(TIMEOUT) == 0
    assert not list(ROOT.rglob('ubernet_jax/**/*.pyi'))
    for name in ('cwd', 'home', 'temporary'):
        assert list((tmp_path / name).iterdir()) == []


def test_a_server_that_misses_its_deadline_is_ended(exported, tmp_path, monkeypatch):
    monkeypatch.setattr('helpers.page_server.TIMEOUT', 0)
    with pytest.raises(AssertionError), running(exported, tmp_path, '--name', str(tmp_path)):
        pass
    for command in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):  # it has ended
            assert str(tmp_path) not in command.read_text()


def test_gradio_has_the_internals_that_the_page_relies_on():
    """If this fails, change the page, or the bound on Gradio's version in setup.cfg."""
    import gradio
    from gradio.routes import App

    with gradio.Blocks() as page:
        image = gradio.Image()
    assert callable(image.preprocess) and callable(image.async_move_resource_to_block_cache)
    routes = App.create_app(page).openapi()['paths']
    for path in (
        '/', '/assets/{path}', '/static/{path}', '/theme.css', '/gradio_api/queue/join',
        '/gradio_api/queue/data', '/gradio_api/upload',
        '/gradio_api/heartbeat/{session_hash}', '/gradio_api/file={path_or_url}',
    ):  # fmt: skip
        assert path in routes
