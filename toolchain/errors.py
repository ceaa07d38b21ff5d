"""The one error of this package: a fault with its remedy, never a traceback."""


class ToolchainError(Exception):
    """A part cannot be had. The message is complete: what failed, and what to do."""
