"""Formats rows of cells as a Markdown table."""

from collections.abc import Iterable, Sequence

NONE = '-'  # a cell without a value


def format_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Formats a table, which ends in a line break."""
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(map(str, line))} |\n' for line in lines)
