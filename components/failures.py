"""A resource that failed is told in its own line. The SDK would tell it as a crash of the program as well.

Where another resource takes what the failed one would have made, the SDK (3.255) raises a marker that it means to
ignore, and the language host prints its stack. As a RunError it is one line.
"""

import pulumi
from pulumi.runtime import stack


class _Failed(pulumi.RunError):
    def __init__(self, text: str) -> None:
        super().__init__(f"{text}; what waits for it was not made; mend what its own line says, and run up again")


def tell_plainly() -> None:
    """For the rest of this program. Nothing is done where the SDK has no such marker."""
    if hasattr(stack, "ResourceRegistrationFailed"):
        stack.ResourceRegistrationFailed = _Failed
