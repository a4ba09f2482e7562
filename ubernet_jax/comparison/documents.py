"""Tables inside Markdown files, each after the command that makes it and before an end mark.

    <!-- python -m ubernet_jax.compare docs/results/mini.json -->
    ...
    <!-- end of the table -->

So a document cannot say anything else than the files that its commands name.
"""

import re
import shlex
from collections.abc import Callable, Sequence

from ubernet_jax.errors import UserError

END = '<!-- end of the table -->'
_COMMAND = re.compile(r'<!-- python -m ubernet_jax\.compare\s(.*?)-->\n', re.DOTALL)


def regenerate_tables(text: str, make_table: Callable[[Sequence[str]], str]) -> str:
    """Replaces every table of a document.

    Args:
      text: Markdown.
      make_table: what a command with these arguments prints, ending in a line break.

    Raises:
      UserError: a command has no end mark, or an end mark has no command.
    """
    before, *rest = _COMMAND.split(text)
    if END in before:
        raise UserError(f'{END!r} stands before the first command')
    parts = [before]
    for command, section in zip(rest[::2], rest[1::2], strict=True):
        _, *after = section.split(END)
        if len(after) != 1:
            raise UserError(
                f'the table of "compare {command.strip()}" has {len(after)} lines {END!r} after '
                'it; it needs one'
            )
        table = make_table(shlex.split(command))
        parts.append(f'<!-- python -m ubernet_jax.compare {command}-->\n{table}{END}{after[0]}')
    return ''.join(parts)
