"""What `ubernet score` writes and prints."""

import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ubernet_jax.writing import write_text

_MAX_NAMED = 5  # names for each reason in the text; the JSON file has all
_WIDTH = 12  # of a column


def write_document(path: pathlib.Path, document: Mapping[str, Any]) -> None:
    """Writes a JSON object with a line for each of its fields."""
    lines = (f'  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}' for k, v in document.items())
    write_text(path, '{\n' + ',\n'.join(lines) + '\n}\n')


def print_document(document: Mapping[str, Any]) -> None:
    """Prints the scores of a protocol, what exactly was computed, and notes."""
    print_notes(document)
    for name, value in document.items():
        if isinstance(value, int | float):
            print(f'{name:>16} {value:.4f}' if isinstance(value, float) else f'{name:>16} {value}')
    print('protocol:')
    for name, value in document['protocol'].items():
        print(f'  {name}: {value}')
    if absent := document['protocol'].get('classes_without_file'):
        print(f'no results file, so no detections, for the classes {", ".join(absent)}')
    if left_out := document['left_out']:
        reasons = (f'{reason}: {len(names)} ({_join(names)})' for reason, names in left_out.items())
        print(f'{document["images"]} images were scored; left out: {"; ".join(reasons)}')


def print_table(documents: Mapping[str, Mapping[str, Any]], left_out: Mapping[str, str]) -> None:
    """Prints the scores of several protocols side by side.

    Args:
      documents: protocol -> its result; the scores are the fields with a float.
      left_out: protocol -> reason why it is absent.
    """
    print_notes(next(iter(documents.values())))
    names = dict.fromkeys(
        name
        for document in documents.values()
        for name, value in document.items()
        if isinstance(value, float)
    )
    print(' ' * 16, *(f'{protocol:>{_WIDTH}}' for protocol in documents))
    for name in names:
        values = (document.get(name) for document in documents.values())
        cells = ('-' if value is None else f'{value:.4f}' for value in values)
        print(f'{name:>16}', *(f'{cell:>{_WIDTH}}' for cell in cells))
    for protocol, reason in left_out.items():
        print(f'without {protocol}: {reason}')


def print_notes(document: Mapping[str, Any]) -> None:
    """Prints the notes on images to the standard error."""
    for name, lines in document['notes'].items():
        print(f'{name}: {"; ".join(lines)}', file=sys.stderr)


def _join(names: Sequence[str]) -> str:
    return ', '.join([*names[:_MAX_NAMED], '...'] if len(names) > _MAX_NAMED else names)
