"""The web page in a real browser: the actions of visitors, and attacks."""

import dataclasses
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from helpers import tiny_network
from helpers.paths import ROOT
from ubernet_jax.tasks import PAPER
from ubernet_jax.weights.exported import save_exported

BROWSER, DRIVER = shutil.which('chromium'), shutil.which('chromedriver')
MISSING = [name for name in ('gradio', 'selenium') if importlib.util.find_spec(name) is None]
MISSING += [name for name, at in (('chromium', BROWSER), ('chromedriver', DRIVER)) if at is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f'not installed: {", ".join(MISSING)}')
FLAGS = (
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--window-size=1600,1400',
)  # fmt: skip
TIMEOUT = 120  # seconds
# A task has the name of a slider of the page.
TASKS = {name: name for name in PAPER} | {'saliency': 'score'}


@pytest.fixture(scope='module')
def exported(tmp_path_factory) -> pathlib.Path:
    """The tiny network, with the task names of `TASKS`."""
    trained = tiny_network.make_trained()
    config = dataclasses.replace(
        trained.config, tasks={new: trained.config.tasks[name] for name, new in TASKS.items()}
    )
    params = {TASKS.get(group, group): tree for group, tree in trained.params.items()}
    path = tmp_path_factory.mktemp('exported') / 'renamed.safetensors'
    save_exported(trained._replace(config=config, params=params), path)
    return path


@pytest.fixture(scope='module')
def folders(tmp_path_factory) -> dict[str, pathlib.Path]:
    """Folders of the server: working directory, home, and temporary files."""
    root = tmp_path_factory.mktemp('server')
    folders = {name: root / name for name in ('cwd', 'home', 'temporary')}
    for folder in folders.values():
        folder.mkdir()
    return folders


@pytest.fixture(scope='module')
def server(exported, folders) -> Iterator[tuple[str, subprocess.Popen]]:
    """A running server: (address, process)."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    words = ['--checkpoint', exported, '--host', '127.0.0.1', '--port', port]
    environment = os.environ | {
        'HOME': str(folders['home']),
        'TMPDIR': str(folders['temporary']),
        'PYTHONPATH': str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, '-m', 'ubernet_jax.demo', *map(str, words)],
        cwd=folders['cwd'], env=environment,
    )  # fmt: skip
    address = f'http://127.0.0.1:{port}'
    try:  # also ends a server that misses its deadline
        deadline = time.monotonic() + TIMEOUT
        while status(address) != 200:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
        yield address, process
    finally:
        process.kill()
        process.wait()


def status(address: str, data: bytes | None = None, **headers: str) -> int:
    """The HTTP status of a request; 0 if there is no answer."""
    try:
        request = urllib.request.Request(address, data, headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, TimeoutError):
        return 0


@pytest.fixture(scope='module')
def downloads(tmp_path_factory) -> pathlib.Path:
    """The download folder of the browser."""
    return tmp_path_factory.mktemp('downloads')


@pytest.fixture(scope='module')
def browser(server, downloads, tmp_path_factory) -> Iterator:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("profile")}'):
        options.add_argument(flag)
    options.add_experimental_option('prefs', {'download.default_directory': str(downloads)})
    options.set_capability('goog:loggingPrefs', {'performance': 'ALL'})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        driver.get(server[0])
        yield driver
    finally:
        driver.quit()


def wait_for(condition) -> object:
    """Waits until `condition` returns a true value, and returns the value."""
    deadline = time.monotonic() + TIMEOUT
    while not (result := condition()):
        assert time.monotonic() < deadline, condition
        time.sleep(0.2)
    return result


def source(browser, task: str) -> str | None:
    """The URL of the picture that is shown for a task."""
    images = browser.find_elements('css selector', f'#picture-{task} img')
    loaded = [image for image in images if image.get_property('naturalWidth')]
    return loaded[0].get_attribute('src') if loaded else None


def upload(browser, path: pathlib.Path) -> None:
    for button in browser.find_elements('css selector', '#photograph button[aria-label="Clear"]'):
        button.click()
    find = lambda: browser.find_elements('css selector', '#photograph input[type=file]')  # noqa: E731
    wait_for(find)[0].send_keys(str(path))


def screenshot(browser, name: str) -> None:
    """Saves a screenshot in the folder UBERNET_SCREENSHOTS, if set, for inspection."""
    folder = os.environ.get('UBERNET_SCREENSHOTS')
    if folder:
        browser.save_screenshot(f'{folder}/{name}.png')


@pytest.fixture
def photograph(tmp_path) -> pathlib.Path:
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(noise).resize((400, 300)).save(tmp_path / 'photo.jpg')
    return tmp_path / 'photo.jpg'


def test_an_upload_shows_every_picture_and_sliders_change_them(browser, photograph):
    upload(browser, photograph)
    before = {task: wait_for(lambda task=task: source(browser, task)) for task in TASKS.values()}
    assert wait_for(lambda: browser.find_element('css selector', '#legend-segmentation').text)
    screenshot(browser, 'uploaded')
    for slider, value, changed in (
        ('opacity', '0', 'segmentation'),
        ('score', '0', 'detection'),
        ('thickness', '3', 'semantic_boundaries'),
    ):
        number = browser.find_element('css selector', f'#{slider} input[type=number]')
        browser.execute_script(
            'arguments[0].value = arguments[1];'
            'arguments[0].dispatchEvent(new Event("input", {bubbles: true}));'
            'arguments[0].dispatchEvent(new Event("change", {bubbles: true}));',
            number, value,
        )  # fmt: skip
        wait_for(lambda task=changed: source(browser, task) not in (None, before[task]))
    assert source(browser, 'normals') == before['normals']
    screenshot(browser, 'slider')


def test_the_pointer_shows_the_predicted_values(browser):
    from selenium.webdriver import ActionChains

    wait_for(lambda: source(browser, 'score'))
    picture = browser.find_element('css selector', '#picture-score img')
    ActionChains(browser).move_to_element(picture).perform()
    values = wait_for(lambda: browser.find_element('css selector', '#values').text)
    for task in TASKS.values():
        assert task.replace('_', ' ') in values
    screenshot(browser, 'values')


def test_everything_can_be_downloaded(browser, downloads):
    wait_for(lambda: browser.find_element('css selector', '#download').is_enabled())
    browser.find_element('css selector', '#download').click()
    (archive,) = wait_for(lambda: list(downloads.glob('*.zip')))
    with zipfile.ZipFile(archive) as file:
        assert {'normals.png', 'sheet.png', 'detection.json', 'predictions.npz'} <= set(
            file.namelist()
        )


def message(browser) -> str:
    """The error message of the page; its text is empty until it has faded in."""
    return wait_for(lambda: browser.find_element('css selector', '.toast-wrap').text)


def test_a_broken_file_shows_a_message_and_removes_the_pictures(browser, tmp_path):
    (tmp_path / 'broken<b>.jpg').write_bytes(b'PK\x03\x04 a zip file')
    upload(browser, tmp_path / 'broken<b>.jpg')
    text = message(browser)
    assert 'broken' in text
    assert str(tmp_path.parent) not in text and '/' not in text.split(':')[0]
    wait_for(lambda: source(browser, 'normals') is None)
    screenshot(browser, 'broken')


def test_a_decompression_bomb_shows_a_message(browser, tmp_path):
    Image.new('L', (1, 1)).save(tmp_path / 'bomb.bmp')
    content = bytearray((tmp_path / 'bomb.bmp').read_bytes())
    content[18:26] = struct.pack('<ii', 10_000, 10_000)  # the size that it claims to have
    (tmp_path / 'bomb.bmp').write_bytes(content)
    browser.refresh()
    upload(browser, tmp_path / 'bomb.bmp')
    text = message(browser)
    assert 'bomb.bmp' in text and '64 million pixels' in text


def test_a_sample_can_be_chosen(browser):
    browser.refresh()
    find = lambda: browser.find_elements('css selector', '.gallery-item, .gallery button')  # noqa: E731
    wait_for(find)[0].click()
    assert wait_for(lambda: source(browser, 'detection'))
    screenshot(browser, 'sample')


def test_the_page_sends_requests_to_no_other_host(browser):
    hosts = set()
    for entry in browser.get_log('performance'):
        message = json.loads(entry['message'])['message']
        if message['method'] == 'Network.requestWillBeSent':
            url = urllib.parse.urlsplit(message['params']['request']['url'])
            if not url.scheme.startswith('chrome'):  # the start page of the browser
                hosts.add(url.hostname)
    assert hosts <= {'127.0.0.1', None} and '127.0.0.1' in hosts


@pytest.mark.parametrize(
    'path', ['/etc/passwd', '../../../../etc/passwd', '..%2f..%2f..%2fetc%2fpasswd', str(ROOT)]
)
def test_no_file_of_the_server_is_served(server, path):
    assert status(f'{server[0]}/gradio_api/file={path}') in (403, 404)


@pytest.mark.parametrize('path', ['/etc/passwd', '../../etc/passwd', 'http://127.0.0.1:1/a.png'])
def test_only_uploaded_files_are_predicted(server, path):
    data = {'data': [{'path': path, 'meta': {'_type': 'gradio.FileData'}}]}
    request = urllib.request.Request(
        f'{server[0]}/gradio_api/call/predict',
        json.dumps(data).encode(),
        {'Content-Type': 'application/json'},
    )
    with urllib.request.urlopen(request) as answer:
        event = json.load(answer)['event_id']
    with urllib.request.urlopen(f'{server[0]}/gradio_api/call/predict/{event}') as answer:
        events = answer.read().decode()
    assert 'event: error' in events and 'root:' not in events


def send(address: str, name: str, content: bytes) -> tuple[int, str]:
    """Uploads a file like an HTML form; returns the status and the answer."""
    body = (
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b'\r\n--x--\r\n'
    )
    headers = {'Content-Type': 'multipart/form-data; boundary=x'}
    try:
        request = urllib.request.Request(f'{address}/gradio_api/upload', body, headers)
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ''


def test_an_upload_stays_in_the_servers_folder(server, folders):
    code, answer = send(server[0], '../../../escaped.jpg', b'x')
    (path,) = json.loads(answer)
    assert code == 200
    assert pathlib.Path(path).resolve().is_relative_to(folders['temporary'])


def test_an_upload_that_is_too_large_is_refused(server):
    assert send(server[0], 'large.jpg', bytes(21 * 2**20))[0] == 413


def test_the_server_deletes_its_files_when_it_stops(server, folders):
    """Must be the last test, because it stops the server."""
    _, process = server
    assert list(folders['temporary'].rglob('*.jpg'))
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT) == 0
    assert not list(ROOT.glob('ubernet_jax/*.pyi'))
    assert {name: list(folder.iterdir()) for name, folder in folders.items()} == {
        'cwd': [], 'home': [], 'temporary': [],
    }  # fmt: skip
