"""The resources of a stack, from the engine's own export."""

import json
import os
import subprocess
from typing import Any

from core.printable import printable_lines

# The engine's garbage collector takes a fifth of a short export, so it starts only where the memory in use is large.
# Source: https://go.dev/doc/gc-guide#Memory_limit
_COLLECTOR = {"GOGC": "off", "GOMEMLIMIT": "256MiB"}


class ExportError(Exception):
    """The engine could not export the stack; the text is the engine's, with each line printable."""

    def __init__(self, text: str) -> None:
        super().__init__(printable_lines(text))


def exported_resources(stack: str) -> list[dict[str, Any]]:
    """The resources of a stack's state, their secrets in the clear. Raises ExportError."""
    export = subprocess.run(
        ["pulumi", "stack", "export", "--stack", stack, "--show-secrets"],
        env=os.environ | _COLLECTOR,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if export.returncode:
        reason = export.stderr.strip()
        # As the engine says it of a stack that it does not have.
        first = f"; create the platform first: ./bedplate up {stack}" if "no stack named" in reason else ""
        raise ExportError(f"{reason}{first}")
    resources: list[dict[str, Any]] | None = json.loads(export.stdout)["deployment"].get("resources")
    return resources or []
