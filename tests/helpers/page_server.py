"""A running web page with a tiny network, and the requests that a browser sends to it."""

import contextlib
import functools
import http.client
import importlib.util
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from helpers.paths import ROOT

TIMEOUT = 120  # seconds
needs_gradio = pytest.mark.skipif(
    importlib.util.find_spec('gradio') is None, reason='not installed: gradio'
)


class Server(NamedTuple):
    """A server: its address, its process, and the file with what it printed."""

    address: str
    process: subprocess.Popen
    printed: pathlib.Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(':')[2])


@contextlib.contextmanager
def running(checkpoint: pathlib.Path, root: pathlib.Path, *words: str) -> Iterator[Server]:
    """Starts a server, and ends it; its working directory, home and temporary folder are in `root`.

    The command `timeout` ends the server even if the tests are killed, and if it does not stop.
    """
    for name in ('cwd', 'home', 'temporary'):
        (root / name).mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    command = ['-m', 'ubernet_jax.demo', '--checkpoint', str(checkpoint), '--port', port, *words]
    environment = os.environ | {
        'HOME': str(root / 'home'),
        'TMPDIR': str(root / 'temporary'),
        'PYTHONPATH': str(ROOT),
    }
    printed = root / 'printed.txt'
    with printed.open('wb') as output:
        process = subprocess.Popen(
            ['timeout', '--foreground', '--kill-after=60', '900', sys.executable, *command],
            cwd=root / 'cwd', env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    server = Server(f'http://127.0.0.1:{port}', process, printed)
    try:
        deadline = time.monotonic() + TIMEOUT
        while server.address not in printed.read_text():
            assert process.poll() is None, printed.read_text()
            assert time.monotonic() < deadline, printed.read_text()
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait()


def status(address: str, data: bytes | None = None, **headers: str) -> int:
    """The HTTP status of a request; 0 if there is no answer."""
    try:
        request = urllib.request.Request(address, data, headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def form(name: str, content: bytes) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an upload, like those of an HTML form."""
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b'\r\n--x--\r\n', {
        'Content-Type': 'multipart/form-data; boundary=x'
    }


def send(address: str, name: str, content: bytes) -> str:
    """Uploads a file; returns its path on the server."""
    request = urllib.request.Request(f'{address}/gradio_api/upload', *form(name, content))
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        return json.load(answer)[0]


def start_upload(port: int, size: int) -> socket.socket:
    """Announces an upload of 15 MB and sends `size` bytes of it; returns the open connection."""
    body, headers = form('broken.jpg', bytes(size))
    lines = ['POST /gradio_api/upload HTTP/1.1', 'Host: localhost', 'Content-Length: 15000000']
    lines += [f'{name}: {value}' for name, value in headers.items()]
    connection = socket.create_connection(('127.0.0.1', port), TIMEOUT)
    connection.sendall('\r\n'.join([*lines, '', '']).encode() + body[:-9])  # without the end
    return connection


def predict(address: str, path: str, session: str | None = None) -> list[dict]:
    """Requests the prediction for a path; by default as a new visitor. See `_request`."""
    data = {'path': path, 'meta': {'_type': 'gradio.FileData'}}
    return _request(address, 'change', data, session or uuid.uuid4().hex)


def choose_sample(address: str, session: str) -> list[dict]:
    """Chooses the first sample. See `_request`."""
    return _request(address, 'click', 0, session)


def _request(address: str, event: str, data: object, session: str) -> list[dict]:
    """Sends an event with a single input, as the page does.

    Returns:
      The server's messages; `received` is the time of each, of `time.monotonic`.

    Raises:
      urllib.error.HTTPError: the server is busy (503).
    """
    body = {'data': [data], 'fn_index': _events(address)[event], 'session_hash': session}
    request = urllib.request.Request(
        f'{address}/gradio_api/queue/join',
        json.dumps(body).encode(),
        {'Content-Type': 'application/json'},
    )
    urllib.request.urlopen(request, timeout=TIMEOUT).close()
    messages = []
    with urllib.request.urlopen(
        f'{address}/gradio_api/queue/data?session_hash={session}', timeout=TIMEOUT
    ) as answer:
        for line in answer:
            if line.startswith(b'data: '):
                message = json.loads(line.removeprefix(b'data: '))
                messages.append(message | {'received': time.monotonic()})
    return messages


@functools.cache
def _events(address: str) -> dict[str, int]:
    """The numbers of the events with a single input, from the description of the page."""
    with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
        text = answer.read().decode()
    (found,) = re.findall(r'window\.gradio_config = (.*?);</script>', text, re.DOTALL)
    return {
        name: event['id']
        for event in json.loads(found)['dependencies']
        for _, name in event['targets']
        if len(event['inputs']) == 1
    }
