"""Parses JSON in which every key of an object occurs once."""

import json
from collections.abc import Sequence
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Parses JSON, as a string, or in UTF-8 with or without a byte-order mark.

    `ubernet_jax.json_file` adds the errors of the package, which the evaluators do not import.

    Raises:
      ValueError: it is not JSON, or an object has the same key twice, where Python's parser would
        keep only the last value.
      RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f'the key {key!r} occurs twice in an object: remove one of them')
        content[key] = value
    return content
