"""The page under many visitors, broken connections and attack files.

The long form takes five minutes: `make soak`, or with another number of seconds in PAGE_SECONDS.
"""

import collections
import contextlib
import os
import pathlib
import random
import threading
import time
import urllib.error
import urllib.request

import pytest

from helpers import page_files
from helpers.page_server import Server, needs_gradio, predict, running, send, start_upload, status
from ubernet_jax.inference.page.files import INTERVAL, KEPT, MAX_TOTAL

pytestmark = [needs_gradio, pytest.mark.slow]
MAX_GROWTH = 200e6  # bytes of resident memory
ORDINARY = 'photo.jpg'


class Load:
    """Visitors that send requests in parallel, and what they saw.

    Attributes:
      answers: how often each file was answered how.
      waits: seconds from the start of an ordinary photograph's turn to its result.
      pages: seconds until the page was loaded.
      total: the largest size of the visitors' files, in bytes.
    """

    def __init__(self, server: Server, folder: pathlib.Path):
        self._server, self._folder = server, folder
        self._ended = threading.Event()
        self._files = page_files.attacks() | {'junk.jpg': bytes(15_000_000)}
        self.answers = collections.Counter()
        self.waits, self.pages, self.total = [], [], 0
        self.failures = []

    def run(self, visitors: int, connections: int, seconds: float) -> None:
        actions = [self._visit] * visitors + [self._load_page, self._measure]
        actions += [lambda: self._break_off(connections)]
        threads = [threading.Thread(target=self._repeat, args=[action]) for action in actions]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self._ended.set()
        for thread in threads:
            thread.join()

    def _repeat(self, action) -> None:
        while not self._ended.is_set():
            try:
                action()
            except Exception as error:  # shown by the test
                self.failures.append(error)

    def _visit(self) -> None:
        """Uploads a file and requests its prediction; half of the files are photographs."""
        name = random.choice([ORDINARY, random.choice([*self._files])])
        content = self._files.get(name) or page_files.photograph(random.randrange(1000))
        try:
            messages = predict(self._server.address, send(self._server.address, name, content))
        except urllib.error.HTTPError as error:
            self.answers[name, f'HTTP {error.code}'] += 1
            time.sleep(1)
            return
        times = {message['msg']: message for message in messages}
        log = times.get('log', {}).get('log', '')
        end = times['process_completed']
        self.answers[name, 'refused' if log else 'predicted' if end['success'] else 'failed'] += 1
        if name == ORDINARY:
            self.waits.append(end['received'] - times['process_starts']['received'])

    def _load_page(self) -> None:
        start = time.monotonic()
        assert status(self._server.address) == 200
        self.pages.append(time.monotonic() - start)
        time.sleep(0.2)

    def _break_off(self, connections: int) -> None:
        """Holds uploads, of which half a MB arrives, and then closes their connections."""
        with contextlib.ExitStack() as stack:
            for _ in range(connections):
                stack.enter_context(start_upload(self._server.port, 500_000))
            time.sleep(1)
        self.answers['broken.jpg', 'broken off'] += connections
        time.sleep(5)

    def _measure(self) -> None:
        total = 0
        for path in found(self._folder):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        self.total = max(self.total, total)
        time.sleep(0.5)


def found(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files in a folder that still exist."""
    paths = (pathlib.Path(root, name) for root, _, names in os.walk(folder) for name in names)
    return [path for path in paths if path.exists()]


def resident(server: Server) -> int:
    """The resident memory of the server in bytes; its parent is the command `timeout`."""
    pid = server.process.pid
    (child,) = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    lines = pathlib.Path(f'/proc/{child}/status').read_text().splitlines()
    (line,) = [line for line in lines if line.startswith('VmRSS')]
    return int(line.split()[1]) * 1024


def check(
    checkpoint, root: pathlib.Path, visitors: int, connections: int, seconds: float, longest: float
) -> None:
    """Checks a page under load; `longest` limits the time of a turn and of loading the page."""
    with running(checkpoint, root) as server:
        (folder,) = (root / 'temporary').iterdir()
        permanent = {path.name for path in found(folder)}
        for seed in range(3):
            path = send(server.address, ORDINARY, page_files.photograph(seed))
            predict(server.address, path)
        before = resident(server)
        load = Load(server, folder)
        load.run(visitors, connections, seconds)
        after = resident(server)
        for path in found(folder):
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, (0, time.time() - KEPT - 1))  # as if the promised time were over
        time.sleep(5 * INTERVAL)
        remaining = {path.name for path in found(folder)}
        assert server.process.poll() is None
    for (name, answer), count in sorted(load.answers.items()):
        print(f'{name}: {answer} {count} times')
    print(f'from the start of a turn to the result: at most {max(load.waits):.1f} s')
    print(f'the page: at most {max(load.pages):.1f} s; files: at most {load.total / 1e6:.0f} MB')
    print(f'resident memory: {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB after')
    print(f'printed by the server: {len(server.printed.read_text().splitlines())} lines')
    assert not load.failures, load.failures[0]
    assert load.answers[ORDINARY, 'predicted'] > 0
    assert {answer for name, answer in load.answers if name == ORDINARY} <= {
        'predicted',
        'HTTP 503',
    }
    assert max(load.waits) < longest and max(load.pages) < longest
    assert load.total < 1.5 * MAX_TOTAL
    assert after - before < MAX_GROWTH
    assert remaining <= permanent


def test_the_page_survives_visitors_broken_connections_and_attacks(exported, tmp_path):
    # Other tests may take most of the processor.
    check(exported, tmp_path, visitors=6, connections=24, seconds=5, longest=30)


@pytest.mark.soak
def test_the_page_survives_them_for_long(exported, tmp_path):
    seconds = float(os.environ.get('PAGE_SECONDS', '300'))
    check(exported, tmp_path, visitors=90, connections=240, seconds=seconds, longest=5)
