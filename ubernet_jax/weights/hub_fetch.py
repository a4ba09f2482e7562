"""Fetches a network from the Hugging Face hub into the cache that all programs for it share.

Only a single `.safetensors` file of a repository is fetched.
"""

import functools
import hashlib
import pathlib
import re
import sys
from collections.abc import Collection
from typing import NamedTuple

from ubernet_jax.errors import UserError, name_some
from ubernet_jax.weights.budget import MAX_BYTES
from ubernet_jax.weights.hub import Address, explaining, parse_address

_SUFFIX = '.safetensors'
_SHA256 = re.compile('[0-9a-f]{64}')


class Fetched(NamedTuple):
    """A file of the hub on this machine.

    Attributes:
      path: of the file in the cache.
      source: its complete name, hf://OWNER/NAME@COMMIT/FILE.
      sha256: of the file.
    """

    path: pathlib.Path
    source: str
    sha256: str


@functools.cache  # so that a command that reads a file twice reads the same revision
def fetch(name: str) -> Fetched:
    """Fetches the file of a network, unless the cache has it; prints its revision and SHA-256.

    Without a connection to the hub, the file that was fetched last for the same revision is used.

    Args:
      name: see `hub.FORM`.

    Raises:
      UserError: the extra `hub` is not installed; there is no such repository, revision or file;
        the repository has several files and none is named; the hub cannot be reached; the file is
        too large, or is not the file that the hub describes.
    """
    address = parse_address(name)
    with explaining(address):
        path, file = _download(address)
        with path.open('rb') as content:
            sha256 = hashlib.file_digest(content, 'sha256').hexdigest()
    blob = path.resolve()  # the cache names a large file by the SHA-256 that the hub states
    if _SHA256.fullmatch(blob.name) and blob.name != sha256:
        raise UserError(
            f'{address.text}: the SHA-256 of {blob} is {sha256}, but must be its name: delete that '
            'file to fetch it again'
        )
    commit = path.parents[file.count('/')].name
    source = f'hf://{address.repository}@{commit}/{file}'
    print(f'{address.text}: {source}, SHA-256 {sha256}', file=sys.stderr, flush=True)
    return Fetched(path, source, sha256)


def _download(address: Address) -> tuple[pathlib.Path, str]:
    """Returns the path of a file in the cache, and in the repository."""
    import httpx2  # pyright: ignore[reportMissingImports]
    from huggingface_hub import (  # pyright: ignore[reportMissingImports]
        HfApi,
        hf_hub_download,
        snapshot_download,
    )
    from huggingface_hub.errors import OfflineModeIsEnabled  # pyright: ignore[reportMissingImports]

    repository, revision = address.repository, address.revision
    try:
        info = HfApi().model_info(repository, revision=revision, files_metadata=True)
    except (httpx2.TransportError, OfflineModeIsEnabled):
        folder = pathlib.Path(
            snapshot_download(
                repository, revision=revision, local_files_only=True, allow_patterns=f'*{_SUFFIX}'
            )
        )
        files = [path.relative_to(folder).as_posix() for path in folder.rglob(f'*{_SUFFIX}')]
        file = _choose(address, files)
        return folder / file, file
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    file = _choose(address, [name for name in sizes if name.endswith(_SUFFIX)])
    if sizes[file] > MAX_BYTES:
        raise UserError(
            f'{address.text}: {file} has {sizes[file] / 1e6:,.0f} MB, but a weight file may have '
            f'{MAX_BYTES / 1e6:,.0f}: name another network'
        )
    return pathlib.Path(hf_hub_download(repository, file, revision=revision)), file


def _choose(address: Address, files: Collection[str]) -> str:
    """The file that is named, or the only file."""
    if address.file in files:
        return address.file
    if len(files) == 1 and not address.file:
        return next(iter(files))
    shown = name_some(sorted(files)) or 'none'
    revision = f'@{address.revision}' if address.revision else ''
    raise UserError(
        f'{address.text}: the {_SUFFIX} files of the repository are {shown}: give the name of '
        f'one of them, hf://{address.repository}{revision}/FILE{_SUFFIX}'
    )
