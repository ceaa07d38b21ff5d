"""Where every binary comes from: pinned, verified and kept apart from the machine's own.

`ensure({"plan"})` sets up a set, a part or a single output, and returns paths by name.
"""

from .errors import ToolchainError
from .layout import Layout
from .ready import absent, ensure

__all__ = ["Layout", "ToolchainError", "absent", "ensure"]
