"""The requests that the web page answers: those that its visitors' browsers send to it.

Gradio serves more: monitoring, recordings, an editor, an interface for programs. A request that is
not listed here is refused, and so are those for another host: a foreign web page whose name leads
to this machine could otherwise read what this page serves (DNS rebinding).
"""

import asyncio
import ipaddress
import pathlib
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Collection

from starlette.concurrency import run_in_threadpool  # pyright: ignore[reportMissingImports]
from starlette.datastructures import UploadFile  # pyright: ignore[reportMissingImports]
from starlette.exceptions import HTTPException  # pyright: ignore[reportMissingImports]
from starlette.requests import ClientDisconnect, Request  # pyright: ignore[reportMissingImports]
from starlette.responses import (  # pyright: ignore[reportMissingImports]
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.types import (  # pyright: ignore[reportMissingImports]
    ASGIApp,
    Message,
    Receive,
    Scope,
    Send,
)

MAX_FILE = 20 * 2**20  # bytes of an upload
_MAX_BODY = 2**20  # bytes of another request
_MAX_UPLOADS = 64  # at a time; further uploads wait
_UPLOAD_SECONDS = 60
_STALLED = 5  # seconds without data after which an upload is broken off
_UPLOAD = '/gradio_api/upload'


class Gate:
    """ASGI middleware that passes on what the page needs, and receives uploads itself.

    Gradio would keep the files of uploads that are broken off.

    Args:
      app: the application of Gradio.
      folder: where uploads are stored; the only folder whose files are served.
      names: names of this server. Addresses such as 192.168.1.5 are always accepted: a foreign
        page cannot have one as its name.
    """

    def __init__(self, app: ASGIApp, folder: pathlib.Path, names: Collection[str]):
        self._app, self._folder = app, folder
        self._names = {'localhost', *map(str.lower, names)}
        self._uploads = asyncio.Semaphore(_MAX_UPLOADS)
        api, file = '/gradio_api', re.escape(f'{folder}/')
        get = (
            r'/|/(assets|static)/.+|/(theme\.css|favicon\.ico|manifest\.json)'
            f'|{api}/(app_id|startup-events|queue/data|heartbeat/[^/]+|file={file}.+)'
        )
        self._served = {'GET': get, 'HEAD': get, 'POST': f'{_UPLOAD}|{api}/queue/join'}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] == 'lifespan':
            return await self._app(scope, receive, send)
        if scope['type'] != 'http':
            return await send({'type': 'websocket.close'})
        request = Request(scope, _limited(scope, receive))
        refusal = self._refuse(request)
        if refusal is None and request.url.path != _UPLOAD:
            return await self._app(scope, request.receive, send)
        response = refusal or await self._receive_upload(request)
        return await response(scope, receive, send)

    def _refuse(self, request: Request) -> Response | None:
        host = request.headers.get('host', '')
        if not self._is_known(host):
            text = (
                f'This server does not know the name {host}; start it with --name and the name '
                'under which it is opened.\n'
            )
            return PlainTextResponse(text, 421)
        if not re.fullmatch(self._served.get(request.method, ''), request.scope['path']):
            return PlainTextResponse('The page does not serve this.\n', 404)
        return None

    def _is_known(self, host: str) -> bool:
        try:
            name = urllib.parse.urlsplit(f'//{host}').hostname or ''
            return name in self._names or bool(ipaddress.ip_address(name))
        except ValueError:
            return False

    async def _receive_upload(self, request: Request) -> Response:
        """Stores an uploaded file and returns its path, as Gradio does.

        Until it is complete, the file has no name on the disk: nothing remains if the visitor or
        this process ends.
        """
        try:
            async with self._uploads, asyncio.timeout(_UPLOAD_SECONDS):
                async with request.form(max_files=1, max_fields=0) as form:
                    file = form.get('files')
                    if not isinstance(file, UploadFile):
                        raise HTTPException(400, 'the form needs a file with the name `files`')
                    return JSONResponse([await run_in_threadpool(self._store, file)])
        except HTTPException as error:
            return PlainTextResponse(error.detail, error.status_code)
        except (ClientDisconnect, TimeoutError):
            return PlainTextResponse('the upload was broken off', 408)

    def _store(self, file: UploadFile) -> str:
        name = re.sub(r'[^\w.-]', '_', pathlib.PurePath(file.filename or '').name)
        path = pathlib.Path(tempfile.mkdtemp(dir=self._folder), name.lstrip('.')[-60:] or 'file')
        with path.open('xb') as output:
            shutil.copyfileobj(file.file, output)
        return str(path)


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Limits the size of a request's body, and the time between two parts of an upload."""
    upload = scope['path'] == _UPLOAD
    limit = MAX_FILE + _MAX_BODY if upload else _MAX_BODY
    size = 0

    async def receive_limited() -> Message:
        nonlocal size
        async with asyncio.timeout(_STALLED if upload else None):
            message = await receive()
        size += len(message.get('body', b''))
        if size > limit:
            raise HTTPException(413, f'the limit is {limit} bytes')
        return message

    return receive_limited
