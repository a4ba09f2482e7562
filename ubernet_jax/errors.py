"""The exception for errors that the user can fix: its message is the complete report."""

from collections.abc import Sequence

_SHOWN = 3  # items of a list that a message names


class UserError(Exception):
    """Bad input, data or settings. The entry points print the message and exit with code 2.

    The message names the file or field, the value, the allowed values, and how to fix it.
    """


class SettingError(UserError):
    """A value of the configuration that is not allowed.

    Attributes:
      field: path in the configuration, such as `model.width`.
      got: the value.
      allowed: the values that are allowed.
    """

    def __init__(self, field: str, got: object, allowed: str):
        super().__init__(field, got, allowed)
        self.field, self.got, self.allowed = field, got, allowed

    def __str__(self) -> str:
        return (
            f'config: {self.field} is {self.got}, but must be {self.allowed}. '
            f'Change it in the config file or with --config.{self.field}=...'
        )


def require_setting(condition: bool, field: str, got: object, allowed: str) -> None:
    """Raises a `SettingError` unless the value of a field of the configuration is allowed."""
    if not condition:
        raise SettingError(field, got, allowed)


def name_some(items: Sequence[str]) -> str:
    """Names the first few items of a list, for a message."""
    rest = len(items) - _SHOWN
    return ', '.join(items[:_SHOWN]) + (f' and {rest} more' if rest > 0 else '')
