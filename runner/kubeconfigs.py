"""No kubeconfig of a state reaches a program as it is: one could run a command on this computer."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .errors import UsageError
from .process import capture
from .session import Session

# These begin with the providers of the state; a plan begins with those of the program.
_FROM_STATE = ("refresh", "destroy")
_REFRESHES = re.compile(r"--refresh(=(?!false$).*)?|-[a-z]*r.*")
"""The option in its spellings: `-r` may stand among other letters, as in `-yr`."""


def check(work: Session, verb: str, options: Sequence[str]) -> None:
    """Refuse a command that would begin with a hostile kubeconfig of the state. Raises UsageError."""
    if verb not in _FROM_STATE and not any(map(_REFRESHES.fullmatch, options)):
        return
    done = _run(work, "check", work.stack.name)
    if done.returncode:
        raise UsageError(
            f"{verb}: {done.stderr.strip()}; run ./bedplate up {work.stack.name} first, without --refresh: it writes "
            "a new one"
        )


def rebuilt(work: Session, text: str) -> str:
    """The kubeconfig, rewritten from its parts. Raises UsageError for one with anything else in it."""
    done = _run(work, "rebuild", stdin=text)
    if done.returncode:
        raise UsageError(f"access: {done.stderr.strip()}; write a new one: ./bedplate up {work.stack.name}")
    return done.stdout


def _run(work: Session, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [work.layout.venv / "bin" / "python", "-m", "operations.kubeconfig", *arguments]
    return capture(command, work.environment, work.layout, text=stdin)
