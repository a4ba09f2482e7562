"""The one exception that means "the user can mend this": its message is the whole report."""


class UserError(Exception):
    """Bad input, data or settings. The entry points print the message and exit with code 2.

    The message says what was got, what is allowed, and which flag or file mends it.
    """
