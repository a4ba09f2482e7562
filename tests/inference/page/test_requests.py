"""Which requests the page answers, and that nothing remains of a broken upload."""

import asyncio
import pathlib

import pytest

from helpers.page_server import form, needs_gradio

pytestmark = needs_gradio
SERVED = ['/', '/assets/a.js', '/theme.css', '/gradio_api/heartbeat/x', '/gradio_api/queue/data']
REFUSED = [
    '/monitoring', '/monitoring/summary', '/openapi.json', '/docs', '/config', '/login',
    '/gradio_api/info', '/gradio_api/mcp/sse', '/gradio_api/runs', '/gradio_api/vibe-code',
    '/gradio_api/call/predict', '/gradio_api/api/predict', '/gradio_api/component_server',
    '/gradio_api/process_recording', '/gradio_api/upload', '/gradio_api/upload_progress',
    '/gradio_api/proxy=http://example.com/', '/gradio_api/file=/etc/passwd',
    '/gradio_api/file=http://127.0.0.1:1/a.png',
]  # fmt: skip


@pytest.fixture
def gate(tmp_path):
    """A gate in front of an application that answers everything."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from ubernet_jax.inference.page.requests import Gate

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f'{len(await request.body())} bytes')

    return Starlette(
        routes=[Route('/{path:path}', answer, methods=['GET', 'POST', 'DELETE'])],
        middleware=[Middleware(Gate, tmp_path, ['Page.example'])],
    )


@pytest.fixture
def client(gate):
    from starlette.testclient import TestClient

    return TestClient(gate, base_url='http://127.0.0.1:7860')


@pytest.mark.parametrize('path', SERVED)
def test_what_the_page_needs_is_served(client, path):
    assert client.get(path).status_code == 200
    assert client.request('DELETE', path).status_code == 404


@pytest.mark.parametrize('path', REFUSED)
def test_everything_else_is_refused(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    'path', [*REFUSED, '/', '/gradio_api/run/predict', '/gradio_api/vibe-edit/']
)
def test_programs_cannot_post(client, path):
    if path != '/gradio_api/upload':
        assert client.post(path).status_code == 404


def test_only_files_of_the_folder_are_served(client, tmp_path):
    assert client.get(f'/gradio_api/file={tmp_path}/a.png').status_code == 200
    assert client.get(f'/gradio_api/file={tmp_path}x/a.png').status_code == 404


@pytest.mark.parametrize(
    'host, code',
    [
        ('localhost:7860', 200), ('127.0.0.1', 200), ('[::1]:7860', 200), ('192.168.1.5:7860', 200),
        ('page.example:7860', 200), ('PAGE.example', 200), ('evil.example', 421),
        ('page.example.evil.example', 421), ('127.0.0.1.evil.example:7860', 421), ('', 421),
        ('[', 421),
    ],
)  # fmt: skip
def test_a_foreign_name_is_refused(client, host, code):
    assert client.get('/', headers={'Host': host}).status_code == code


def test_a_websocket_is_refused(client):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect('/'):
        pass


def test_a_large_body_is_refused(client):
    join = '/gradio_api/queue/join'
    assert client.post(join, content=bytes(1000)).text == '1000 bytes'
    assert client.post(join).text == '0 bytes'
    assert client.post(join, content=bytes(2**20 + 1)).status_code == 413


@pytest.mark.parametrize(
    'name, stored',
    [
        ('a b.jpg', 'a_b.jpg'), ('../../b.jpg', 'b.jpg'), ('..', 'file'), ('.jpg', 'jpg'),
        ('grün.png', 'grün.png'), (200 * 'ü' + '.png', 56 * 'ü' + '.png'), ('<b>.png', '_b_.png'),
    ],
)  # fmt: skip
def test_an_upload_is_stored_in_the_folder(client, tmp_path, name, stored):
    body, headers = form(name, b'picture')
    answer = client.post('/gradio_api/upload', content=body, headers=headers)
    path = pathlib.Path(*answer.json())
    assert path.read_bytes() == b'picture'
    assert path.name == stored and path.parent.parent == tmp_path


@pytest.mark.parametrize(
    'body, code',
    [
        (form('large.jpg', bytes(22 * 2**20))[0], 413),
        (form('a.jpg', b'1')[0].replace(b'--x--', b'--x') + form('b.jpg', b'2')[0], 400),
        (form('a.jpg', b'1')[0].replace(b'"files"', b'"other"'), 400),
        (b'no form', 400),
    ],
    ids=['large', 'two files', 'another name', 'no form'],
)
def test_another_upload_is_refused(client, tmp_path, body, code):
    headers = form('', b'')[1]
    answer = client.post('/gradio_api/upload', content=body, headers=headers)
    assert answer.status_code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('ending', ['disconnects', 'stalls'])
def test_nothing_remains_of_an_upload_that_is_broken_off(gate, tmp_path, monkeypatch, ending):
    monkeypatch.setattr('ubernet_jax.inference.page.requests._STALLED', 0.1)
    body, headers = form('a.jpg', bytes(3 * 2**20))  # so much is not kept in memory
    parts = [{'type': 'http.request', 'body': body[:-20], 'more_body': True}]
    sent = []

    async def receive() -> dict:
        if parts:
            return parts.pop()
        if ending == 'stalls':
            await asyncio.sleep(60)
        return {'type': 'http.disconnect'}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        'type': 'http', 'method': 'POST', 'path': '/gradio_api/upload', 'query_string': b'',
        'headers': [(b'host', b'localhost')]
        + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(gate(scope, receive, send))
    assert sent[0]['status'] == 408
    assert list(tmp_path.rglob('*')) == []
