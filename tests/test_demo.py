"""The web page in a real browser: what visitors do and see."""

import dataclasses
import importlib.util
import json
import os
import pathlib
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator

import pytest

from helpers import page_files, tiny_network
from helpers.page_server import TIMEOUT, Server, running
from ubernet_jax.tasks import PAPER
from ubernet_jax.weights.exported import save_exported

BROWSER, DRIVER = shutil.which('chromium'), shutil.which('chromedriver')
MISSING = [name for name in ('gradio', 'selenium') if importlib.util.find_spec(name) is None]
MISSING += [name for name, at in (('chromium', BROWSER), ('chromedriver', DRIVER)) if at is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f'not installed: {", ".join(MISSING)}'),
    pytest.mark.slow,
]
FLAGS = (
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--window-size=1600,1400',
)  # fmt: skip
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
def server(exported, tmp_path_factory) -> Iterator[Server]:
    with running(exported, tmp_path_factory.mktemp('server')) as server:
        yield server


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
        driver.get(server.address)
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
    remove = '#photograph button[aria-label="Remove Image"]'
    for button in browser.find_elements('css selector', remove):
        button.click()
    find = lambda: browser.find_elements('css selector', '#photograph input[type=file]')  # noqa: E731
    wait_for(find)[0].send_keys(str(path))


def screenshot(browser, name: str) -> None:
    """Saves a screenshot in the folder UBERNET_SCREENSHOTS, if set, for inspection."""
    folder = os.environ.get('UBERNET_SCREENSHOTS')
    if folder:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)  # otherwise nothing is saved
        browser.save_screenshot(f'{folder}/{name}.png')


@pytest.fixture
def photograph(tmp_path) -> pathlib.Path:
    path = tmp_path / 'photo.jpg'
    path.write_bytes(page_files.photograph())
    return path


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


def test_every_picture_has_a_text(browser):
    wait_for(lambda: source(browser, 'normals'))
    everywhere = '.result img, .legend img, #photograph img, #samples img'
    pictures = browser.find_elements('css selector', everywhere)
    texts = {picture.get_attribute('alt') for picture in pictures}
    assert {'predicted normals', 'the photograph', 'key: what the colours mean'} <= texts
    assert {'sample: astronaut', 'sample: cat', 'sample: coffee'} <= texts
    assert '' not in texts


def test_the_name_of_a_task_does_not_cover_its_picture(browser):
    wait_for(lambda: source(browser, 'detection'))
    name = browser.find_element('css selector', '#picture-detection label').rect
    picture = browser.find_element('css selector', '#picture-detection img').rect
    assert 0 < name['y'] + name['height'] <= picture['y'] + 1  # a border


def test_everything_can_be_downloaded(browser, downloads):
    wait_for(lambda: browser.find_element('css selector', '#download').is_enabled())
    browser.find_element('css selector', '#download').click()
    (archive,) = wait_for(lambda: list(downloads.glob('*.zip')))
    with zipfile.ZipFile(archive) as file:
        assert {'normals.png', 'sheet.png', 'detection.json', 'parts.index.png'} <= set(
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
    wait_for(lambda: not browser.find_elements('css selector', '#photograph img'))
    assert len(browser.find_elements('css selector', '.toast-body')) == 1
    screenshot(browser, 'broken')


def test_a_decompression_bomb_shows_a_message(browser, tmp_path):
    (tmp_path / 'bomb.bmp').write_bytes(page_files.huge_size())
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
