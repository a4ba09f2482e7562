"""Describes the settings of a configuration: types, defaults, allowed values.

ubernet settings optim.shared
"""

import argparse
import re
import shutil
import textwrap
from collections.abc import Sequence

from ubernet_jax import cli
from ubernet_jax.config.documentation import Section, Setting, list_sections
from ubernet_jax.errors import UserError

_HELP = """a setting or a part of the configuration, such as optim.shared or learning_rate; all
settings if it is not given"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command.

    Raises:
      UserError: no setting has such a path.
    """
    path = _parse(arguments).path
    sections = list_sections()
    selected = select(sections, path)
    if not selected:
        parts = ', '.join(section.title for section in sections if '(' not in section.title)
        raise UserError(f'no setting has {path} in its path; the parts are {parts}')
    print('\n\n'.join(map(_format, selected)))


def select(sections: Sequence[Section], path: str) -> list[Section]:
    """Returns the sections with only the settings that have `path` in their paths.

    Args:
      sections: all settings.
      path: whole names from anywhere in a path, such as `shared.learning_rate`; from the start also
        with the name of any task and the number of any dataset. Empty selects everything.
    """
    if not path:
        return list(sections)
    path = re.sub(r'^tasks\.\w+', 'tasks.TASK', re.sub(r'\[\d+\]', '', path))
    kept = [
        [s for s in section.settings if f'.{path}.' in f'.{s.path}.'.replace('[0]', '')]
        for section in sections
    ]
    pairs = zip(sections, kept, strict=True)
    return [section._replace(settings=settings) for section, settings in pairs if settings]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('settings')
    parser.add_argument('path', nargs='?', default='', metavar='PATH', help=_HELP)
    return parser.parse_args(arguments)


def _format(section: Section) -> str:
    """A section as text of the width of the terminal."""
    text = [_fill(paragraph, '') for paragraph in section.text.split('\n\n')]
    return '\n\n'.join([section.title, *text, *map(_format_setting, section.settings)])


def _format_setting(setting: Setting) -> str:
    """The option with its default, its text, and its type with the allowed values."""
    default = '' if setting.default in ('None', '{}') else f'={setting.default}'
    return '\n'.join([
        f'  --config.{setting.path}{default}',
        _fill(setting.text, '      '),
        _fill(', '.join(filter(None, (setting.type, setting.allowed))), '      '),
        *(_fill(f'{name}: {text}', '        ') for name, text in setting.options.items()),
    ])  # fmt: skip


def _fill(text: str, indent: str) -> str:
    width = min(100, shutil.get_terminal_size().columns)
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


if __name__ == '__main__':
    cli.run(main)
