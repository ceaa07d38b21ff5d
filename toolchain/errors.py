"""The one error of this package."""


class ToolchainError(Exception):
    """A part cannot be set up. The message is complete: what failed, and what to do. It is shown with no traceback."""
