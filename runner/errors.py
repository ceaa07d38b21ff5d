"""A fault the user can mend: said in full, with no traceback."""


class UsageError(Exception):
    """What was asked for cannot be done as asked. Ends the run with exit code 2."""
