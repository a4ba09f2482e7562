"""Refuses addresses on the web where a file is needed."""

import os
import re

from ubernet_jax.errors import UserError

# Paths join repeated slashes: `https://a/b` becomes `https:/a/b`. Schemes of a single letter are
# drives of Windows.
_URL = re.compile(r'([a-zA-Z][a-zA-Z0-9+.-]+):/+(?=[^/])')


def refuse_url(path: str | os.PathLike) -> None:
    """Raises a UserError if a path is a URL, also if it has lost one of its slashes."""
    text = os.fspath(path)
    match = _URL.match(text) if isinstance(text, str) else None
    if match and not os.path.exists(text):
        url = f'{match[1]}://{text[match.end() :]}'
        raise UserError(f'{url} is a URL, which is not read: download the file, and give its path')
