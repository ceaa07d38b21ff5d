"""Where every binary comes from: pinned, verified and kept apart from the machine's own.

`ensure({"plan"})` sets up a set, a part or a single output, and returns paths by name.
"""

from toolchain.errors import ToolchainError
from toolchain.layout import Layout
from toolchain.setup import ensure

__all__ = ["Layout", "ToolchainError", "ensure"]
