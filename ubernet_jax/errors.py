"""The exception for errors that the user can fix: its message is the complete report."""

from collections.abc import Sequence

_SHOWN = 3  # items of a list that a message names


class UserError(Exception):
    """Bad input, data or settings. The entry points print the message and exit with code 2.

    The message names the file or field, the value, the allowed values, and how to fix it.
    """


def require_setting(condition: bool, field: str, got: object, allowed: str) -> None:
    """Raises a UserError unless the value of a field of the configuration is allowed."""
    if not condition:
        raise UserError(
            f'config: {field} is {got}, but must be {allowed}. '
            f'Change it in the config file or with --config.{field}=...'
        )


def name_some(items: Sequence[str]) -> str:
    """Names the first few items of a list, for a message."""
    rest = len(items) - _SHOWN
    return ', '.join(items[:_SHOWN]) + (f' and {rest} more' if rest > 0 else '')
