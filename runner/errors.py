"""The error of a command that cannot be run as typed."""


class UsageError(Exception):
    """The command cannot do what was typed. The message is complete; it is shown with no traceback, exit code 2."""
