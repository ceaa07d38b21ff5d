"""Send debug messages to the engine only if the engine runs with `--debug`.

The SDK sends two or more debug messages for each resource, each as a call that the program waits for, and the engine
then drops them. That took a quarter of a plan's time.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pulumi import log

from .guard import is_source, replace

# SHA-256 of the source of pulumi.log.debug in 3.255.
REPLACES = "381cd6115cca6ca19ddc9416014d9afb086d7b7a9cb3ca8d80f2be24bdb44d6f"
# The engine's own name for its option in the environment.
OPTION = "PULUMI_OPTION_DEBUG"
# The program is a child of the language host, which is a child of the engine; a launcher may stand between.
ANCESTORS = 6


def install() -> None:
    """Drop debug messages, unless the engine was started with --debug or that can't be found out."""
    if is_source(log.debug, REPLACES) and not _wanted():
        replace(log, "debug", _drop)


def _drop(*_: Any, **__: Any) -> None:
    """Take what `pulumi.log.debug` takes, and do nothing."""


def _wanted() -> bool:
    if os.environ.get(OPTION, "").lower() in ("1", "true"):
        return True
    engine = next((command for command in _ancestors(os.getpid()) if Path(command[0]).name == "pulumi"), None)
    return engine is None or asks_for_debug(engine[1:])


def asks_for_debug(arguments: Iterable[str]) -> bool:
    """Whether the engine's arguments may ask for debug messages: --debug, -d, or letters together such as -yd."""
    return any(re.fullmatch(r"--debug(=.*)?|-[A-Za-z]*d[A-Za-z]*", each) for each in arguments)


def _ancestors(process: int) -> Iterator[list[str]]:
    """The command lines of a process' ancestors, nearest first; none where the system doesn't show them in /proc."""
    for _ in range(ANCESTORS):
        try:
            # The name of a command may hold anything, parentheses and blanks too: the fields follow its last one.
            process = int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except (OSError, ValueError, IndexError):
            return
        yield command
