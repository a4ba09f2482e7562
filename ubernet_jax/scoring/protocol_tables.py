"""The rows of `protocols` as the Markdown tables of docs/protocols.md.

python -m ubernet_jax.scoring.protocol_tables
"""

import enum
from collections.abc import Mapping
from typing import Any

from ubernet_jax.metrics.saliency import FDefinition
from ubernet_jax.scoring.protocol import Row
from ubernet_jax.scoring.protocols import PROTOCOLS

HEAD = ('protocol', 'source', 'settings', 'scores', 'note')


def format_tables() -> str:
    """Returns a table of the protocols, and one of the rows of each task."""
    overview = [
        (name, protocol.repository, _join(protocol.images), protocol.size)
        for name, protocol in PROTOCOLS.items()
    ]
    parts = [_table(('protocol', 'repository', 'benchmarks: test images', 'size'), overview)]
    tasks = dict.fromkeys(task for protocol in PROTOCOLS.values() for task in protocol.rows)
    for task in tasks:
        rows = [
            (name, row.source, _describe(row), ', '.join(row.scores), row.note or '-')
            for name, protocol in PROTOCOLS.items()
            if (row := protocol.rows.get(task))
        ]
        parts.append(f'## {task.capitalize()}\n\n{_table(HEAD, rows)}')
    return '\n'.join(parts)


def _describe(row: Row) -> str:
    """Describes the parameters of the evaluator, also those of single benchmarks."""
    settings = dict(row.settings)
    definition = settings.pop('definition', None)
    if isinstance(definition, FDefinition):
        settings |= {name: value for name, value in definition.describe().items() if value}
    for benchmark, special in row.by_benchmark.items():
        settings |= {f'{name} ({benchmark})': value for name, value in special.items()}
    if row.classes:
        settings['classes'] = _join(row.classes)
    return '; '.join(f'{name}: {_plain(value)}' for name, value in settings.items()) or 'as ours'


def _plain(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple) and len(value) > 4:
        return f'{len(value)}, {value[0]:g} to {value[-1]:g}'
    if isinstance(value, tuple):
        return ' to '.join(f'{end:g}' for end in value) if len(value) == 2 else str(value)
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return f'{value:g}' if isinstance(value, float) else str(value)


def _join(counts: Mapping[str, int]) -> str:
    return ', '.join(f'{name} {count}' for name, count in counts.items())


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ('---',) * len(head), *rows]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


if __name__ == '__main__':
    print(format_tables())
