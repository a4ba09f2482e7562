"""The one exception that means "the user can mend this": its message is the whole report."""


class UserError(Exception):
    """Bad input, data or settings. The entry points print the message and exit with code 2.

    The message says what was got, what is allowed, and which flag or file mends it.
    """


def require_setting(condition: bool, field: str, got: object, allowed: str) -> None:
    """Raises a UserError unless a field of the configuration holds what it may."""
    if not condition:
        raise UserError(
            f'config: {field} is {got}, but must be {allowed}. '
            f'Change it in the config file or with --config.{field}=...'
        )
