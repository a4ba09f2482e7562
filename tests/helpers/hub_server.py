"""A small server on this machine that speaks the protocol of the Hugging Face hub.

It has what `huggingface_hub` calls to create a repository, to upload files in a commit (small files
in the commit, `.safetensors` by Git LFS), and to list and download the files of a revision.
"""

import base64
import hashlib
import http.server
import json
import re
import threading
from typing import Self

import pytest

TOKEN = 'hf_test'

Files = dict[str, bytes]  # path in the repository -> content


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class HubServer:
    """The server; a context in which it runs.

    Attributes:
      commits: repository -> hash of a commit -> all files, in the order of the commits.
      private: repositories that were created as private.
      damaged: whether downloads differ in a byte from what was uploaded.
    """

    def __init__(self):
        self.commits: dict[str, dict[str, Files]] = {}
        self.private: set[str] = set()
        self.damaged = False
        self._large: dict[str, bytes] = {}  # SHA-256 -> content
        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), _Handler)
        self._server.hub = self  # type: ignore[attr-defined]
        self.url = f'http://127.0.0.1:{self._server.server_port}'

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server; connections are refused from now on."""
        self._server.shutdown()
        self._server.server_close()

    def commit(self, repository: str, files: Files) -> str:
        """Adds files to the main branch of a repository; returns the hash of the commit."""
        commits = self.commits.setdefault(repository, {})
        files = {**(list(commits.values())[-1] if commits else {}), **files}
        described = json.dumps([repository, len(commits), {k: sha256(v) for k, v in files.items()}])
        commit = hashlib.sha1(described.encode()).hexdigest()
        commits[commit] = files
        return commit

    def revision(self, repository: str, name: str) -> tuple[str, Files] | None:
        """The commit that a revision means, and its files."""
        commits = self.commits[repository]
        commit = list(commits)[-1] if name == 'main' and commits else name
        return (commit, commits[commit]) if commit in commits else None

    def add_large(self, content: bytes) -> None:
        self._large[sha256(content)] = content

    def large(self, oid: str) -> bytes | None:
        return self._large.get(oid)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    @property
    def hub(self) -> HubServer:
        return self.server.hub  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition('?')[0]
        if match := re.fullmatch(r'/api/models/(\w+/[\w.-]+)(?:/revision/(\w+))?', path):
            return self._describe(match[1], match[2] or 'main')
        if match := re.fullmatch(r'/(\w+/[\w.-]+)/resolve/(\w+)/(.+)', path):
            return self._download(*match.groups())
        self._answer(404, {'error': 'Not Found'})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers['Content-Length']))
        if self.headers['Authorization'] != f'Bearer {TOKEN}':
            return self._answer(401, {'error': 'Invalid username or password.'})
        path = self.path.partition('?')[0]
        if path == '/api/repos/create':
            return self._create(json.loads(content))
        if path == '/api/validate-yaml':
            return self._answer(200, {'errors': [], 'warnings': []})
        if re.fullmatch(r'/api/models/(.+)/preupload/main', path):
            return self._plan(json.loads(content))
        if re.fullmatch(r'/.+\.git/info/lfs/objects/batch', path):
            return self._plan_large(json.loads(content))
        if match := re.fullmatch(r'/api/models/(.+)/commit/main', path):
            return self._commit(match[1], content)
        self._answer(404, {'error': 'Not Found'}, {'X-Error-Code': 'RevisionNotFound'})

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers['Content-Length']))
        self.hub.add_large(content)
        self._answer(200, {})

    def _create(self, request: dict) -> None:
        repository = f'{request["organization"]}/{request["name"]}'
        exists = repository in self.hub.commits
        if not exists:
            self.hub.commits[repository] = {}
            if request.get('visibility') == 'private' or request.get('private'):
                self.hub.private.add(repository)
        self._answer(409 if exists else 200, {'url': f'{self.hub.url}/{repository}'})

    def _plan(self, request: dict) -> None:
        """Says of each file whether it is part of the commit or goes by Git LFS."""
        files = [
            {
                'path': file['path'],
                'uploadMode': 'lfs' if file['path'].endswith('.safetensors') else 'regular',
                'shouldIgnore': False,
            }
            for file in request['files']
        ]
        self._answer(200, {'files': files})

    def _plan_large(self, request: dict) -> None:
        objects = [
            {**large, 'actions': {'upload': {'href': f'{self.hub.url}/lfs/{large["oid"]}'}}}
            for large in request['objects']
        ]
        self._answer(200, {'transfer': 'basic', 'objects': objects})

    def _commit(self, repository: str, content: bytes) -> None:
        files = {}
        for line in content.splitlines():
            item = json.loads(line)
            value = item['value']
            if item['key'] == 'file':
                files[value['path']] = base64.b64decode(value['content'])
            elif item['key'] == 'lfsFile':
                large = self.hub.large(value['oid'])
                assert large is not None and value['size'] == len(large)
                files[value['path']] = large
        commit = self.hub.commit(repository, files)
        url = f'{self.hub.url}/{repository}/commit/{commit}'
        self._answer(200, {'commitUrl': url, 'commitOid': commit})

    def _find(self, repository: str, revision: str) -> tuple[str, Files] | None:
        """The files of a revision; answers if there are none."""
        if repository not in self.hub.commits:
            self._answer(404, {'error': 'Not Found'}, {'X-Error-Code': 'RepoNotFound'})
            return None
        found = self.hub.revision(repository, revision)
        if found is None:
            self._answer(404, {'error': 'Not Found'}, {'X-Error-Code': 'RevisionNotFound'})
        return found

    def _describe(self, repository: str, revision: str) -> None:
        if found := self._find(repository, revision):
            commit, files = found
            siblings = [{'rfilename': name, 'size': len(files[name])} for name in files]
            self._answer(200, {'id': repository, 'sha': commit, 'siblings': siblings})

    def _download(self, repository: str, revision: str, file: str) -> None:
        if not (found := self._find(repository, revision)):
            return
        commit, files = found
        if file not in files:
            return self._answer(404, {'error': 'Not Found'}, {'X-Error-Code': 'EntryNotFound'})
        content = files[file]
        headers = {'X-Repo-Commit': commit, 'ETag': f'"{sha256(content)}"'}
        if self.hub.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self._send(200, content, headers)

    def _answer(self, status: int, content: dict, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(content).encode(), headers or {})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, 'Content-Length': str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content)


def use_hub(patch: pytest.MonkeyPatch, url: str, folder: object) -> None:
    """Makes this process use a server and a cache of the tests, as HF_ENDPOINT and HF_HOME would.

    `huggingface_hub` reads these variables only when it is imported. Uploads go by Git LFS: the
    protocol of hf_xet, which is preferred otherwise, has more than a small server can do.
    """
    from huggingface_hub import constants

    patch.setattr(constants, 'ENDPOINT', url)
    template = url + '/{repo_id}/resolve/{revision}/{filename}'
    patch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
    patch.setattr(constants, 'HF_HUB_CACHE', str(folder))
    patch.setattr(constants, 'HF_HUB_DISABLE_XET', True)
    patch.setenv('HF_TOKEN', TOKEN)
