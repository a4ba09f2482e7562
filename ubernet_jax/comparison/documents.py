"""Regenerates tables in Markdown files. Each is between the command that prints it and an end mark.

    <!-- ubernet compare docs/results/mini.json -->
    ...
    <!-- end of the table -->

Patterns such as `mini-*.json` stand for the files that they match, in order. The tables of a
document therefore always agree with the files that its commands name.
"""

import glob
import re
import shlex
from collections.abc import Callable, Sequence

from ubernet_jax.errors import UserError

END = '<!-- end of the table -->'
_COMMAND = re.compile(r'<!-- (?:ubernet |python -m ubernet_jax\.)compare\s(.*?)-->\n', re.DOTALL)


def regenerate_tables(text: str, make_table: Callable[[Sequence[str]], str]) -> str:
    """Replaces every table of a document.

    Args:
      text: the document, in Markdown.
      make_table: arguments of a command -> the tables it prints, which end in a line break.

    Raises:
      UserError: a command has no end mark, or an end mark has no command.
    """
    before, *rest = _COMMAND.split(text)
    if END in before:
        raise UserError(f'the document has an end mark {END!r} before the first command')
    parts = [before]
    for command, section in zip(rest[::2], rest[1::2], strict=True):
        _, *remainders = section.split(END)
        if len(remainders) != 1:
            raise UserError(
                f'the table of "compare {command.strip()}" has {len(remainders)} end marks '
                f'{END!r}; it must have exactly 1'
            )
        table = make_table(_split(command))
        marked = f'<!-- ubernet compare {command}-->\n{table}{END}'
        parts.append(marked + remainders[0])
    return ''.join(parts)


def _split(command: str) -> list[str]:
    """Splits a command into its arguments; a pattern that matches no file stays as it is."""
    words = shlex.split(command)
    return [argument for word in words for argument in sorted(glob.glob(word)) or [word]]
