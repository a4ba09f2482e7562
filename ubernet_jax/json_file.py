"""Reading JSON from outside the package."""

import json
import pathlib
from typing import Any

from ubernet_jax.errors import UserError


def read_json(path: pathlib.Path) -> Any:
    """The content of a JSON file, unchecked.

    Raises:
      UserError: it is not JSON.
    """
    return parse_json(path.read_bytes(), path)


def parse_json(text: str | bytes, source: object) -> Any:
    """The content of JSON text, unchecked; `source` names it in errors.

    Raises:
      UserError: it is not JSON.
    """
    try:
        return json.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # also: not text, nested too deeply
        raise UserError(f'{source} is not JSON: {error}') from error
