"""Reading JSON from outside the package, and writing it."""

import json
import pathlib
from typing import Any

from ubernet_jax.errors import UserError
from ubernet_jax.metrics import json_text
from ubernet_jax.metrics.file_bytes import MAX_JSON_BYTES, read_bytes
from ubernet_jax.writing import write_text


def read_json(path: pathlib.Path, largest: int = MAX_JSON_BYTES) -> Any:
    """The content of a JSON file, unchecked except that keys are unique.

    Args:
      path: the file.
      largest: the largest number of bytes that is read.

    Raises:
      UserError: it is not JSON, or an object in it has the same key twice.
      OSError: it cannot be read, or is larger.
    """
    return parse_json(read_bytes(path, largest), path)


def parse_json(text: str | bytes, source: object) -> Any:
    """The content of JSON text, unchecked except that keys are unique.

    Args:
      text: as a string, or in UTF-8 with or without a byte-order mark.
      source: where it is from, for errors.

    Raises:
      UserError: it is not JSON, or an object in it has the same key twice.
    """
    try:
        return json_text.parse_json(text)
    except (ValueError, RecursionError) as error:  # also: not text, nested too deeply
        raise UserError(f'{source} cannot be read as JSON: {error}') from error


def write_json(path: pathlib.Path, document: Any) -> None:
    """Writes plain values as JSON, atomically: see `writing.new_file`."""
    write_text(path, json.dumps(document, indent=1) + '\n')
