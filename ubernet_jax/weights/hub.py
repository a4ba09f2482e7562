"""Names of networks in the Hugging Face hub, and its errors as messages for the user.

`huggingface_hub`, of the extra `hub`, is imported only when such a name is used.
"""

import contextlib
import importlib.util
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ubernet_jax.errors import UserError

HUB_PACKAGE = 'huggingface_hub'
FORM = 'hf://OWNER/NAME, hf://OWNER/NAME@REVISION or hf://OWNER/NAME@REVISION/FILE.safetensors'

_SCHEME = re.compile('hf:/+')  # paths join repeated slashes
_TOKEN = 'set HF_TOKEN, or run hf auth login'


class Address(NamedTuple):
    """The name of a network in the hub.

    Attributes:
      text: the name as a whole, with both slashes.
      repository: OWNER/NAME.
      revision: a branch, tag or commit hash; None for the main branch.
      file: path of a `.safetensors` file in the repository; empty if it is not given.
    """

    text: str
    repository: str
    revision: str | None
    file: str


def is_hub_name(name: str | os.PathLike) -> bool:
    """Whether a path begins with `hf:/`.

    Raises:
      UserError: it is also the path of a local file.
    """
    text = os.fspath(name)
    if not isinstance(text, str) or not _SCHEME.match(text):
        return False
    if os.path.exists(text):
        raise UserError(
            f'{text} is the name of a network in the hub, and also a local file: give the '
            f'absolute path of the file, {os.path.abspath(text)}, or rename its folder'
        )
    return True


def parse_address(name: str | os.PathLike) -> Address:
    """Parses a name in the hub, also if it has lost one of its slashes.

    Raises:
      UserError: it does not have the form of a name, or the extra `hub` is not installed.
    """
    text = _SCHEME.sub('hf://', os.fspath(name), count=1)
    if importlib.util.find_spec(HUB_PACKAGE) is None:
        raise UserError(
            f'{text} is in the hub, which needs {HUB_PACKAGE}, which is not installed: '
            'pip install "ubernet_jax[hub]"'
        )
    from huggingface_hub import parse_hf_uri  # pyright: ignore[reportMissingImports]
    from huggingface_hub.errors import HfUriError  # pyright: ignore[reportMissingImports]

    try:
        uri = parse_hf_uri(text)
    except HfUriError as error:
        raise UserError(f'{text} is not the name of a network in the hub: give {FORM}') from error
    file = uri.path_in_repo
    if uri.type != 'model' or (file and not file.endswith('.safetensors')):
        raise UserError(f'{text} does not name a .safetensors file of a model: give {FORM}')
    return Address(text, uri.id, uri.revision, file)


@contextlib.contextmanager
def explaining(address: Address) -> Iterator[None]:
    """Turns the errors of `huggingface_hub` into UserErrors that name the network."""
    import httpx2  # pyright: ignore[reportMissingImports]
    from huggingface_hub import constants, errors  # pyright: ignore[reportMissingImports]

    try:
        yield
    except errors.RevisionNotFoundError as error:
        raise UserError(
            f'{address.text}: {address.repository} has no revision {address.revision}: give a '
            'branch, a tag or a commit hash'
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(
            f'{address.text}: there is no repository {address.repository}, or you may not see it: '
            f'check the name; if it is private or gated, {_TOKEN}'
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        advice = f'with a token that may do this: {_TOKEN}' if status in (401, 403) else 'later'
        raise UserError(
            f'{address.text}: {constants.ENDPOINT} refuses with status {status} '
            f'({_first_line(error)}): try again {advice}'
        ) from error
    except (
        httpx2.TransportError,
        errors.OfflineModeIsEnabled,
        errors.LocalEntryNotFoundError,
    ) as error:
        raise UserError(
            f'{address.text}: {constants.ENDPOINT} cannot be reached ({_first_line(error)}), and '
            'the network was not fetched before: check the network connection, HF_ENDPOINT and '
            'HF_HUB_OFFLINE'
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f'{address.text}: the transfer failed ({_first_line(error)})') from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
