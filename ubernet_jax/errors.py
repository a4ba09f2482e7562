"""The exception for errors that the user can fix: its message is the complete report."""


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
