"""Reading JSON from outside the package."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from ubernet_jax.errors import UserError


def read_json(path: pathlib.Path) -> Any:
    """The content of a JSON file, unchecked except that keys are unique.

    Raises:
      UserError: it is not JSON, or an object in it has the same key twice.
    """
    return parse_json(path.read_bytes(), path)


def parse_json(text: str | bytes, source: object) -> Any:
    """The content of JSON text, unchecked except that keys are unique.

    Args:
      text: as a string, or in UTF-8 with or without a byte-order mark.
      source: where it is from, for errors.

    Raises:
      UserError: it is not JSON, or an object in it has the same key twice, where Python's parser
        would keep only the last value.
    """

    def require_unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in pairs:
            if key in content:
                raise UserError(
                    f'{source} has the key {key!r} twice in an object: remove one of them'
                )
            content[key] = value
        return content

    try:
        return json.loads(text, object_pairs_hook=require_unique)
    except (ValueError, RecursionError) as error:  # also: not text, nested too deeply
        raise UserError(f'{source} is not JSON: {error}') from error
