"""Run a program of the toolchain in the checkout."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolchain import Layout


def run(command: Sequence[str | Path], environment: Mapping[str, str], layout: Layout) -> int:
    """Run a program in the checkout. Returns its exit code, or 128 plus the number of the signal that ended it.

    Ctrl-C reaches the program from the terminal, and the program decides what follows; SIGTERM is passed on to it.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=layout.checkout,
            # A signal that is ignored here would be ignored there too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return code if code >= 0 else 128 - code


def python(layout: Layout, environment: Mapping[str, str], module: str, *arguments: str | Path) -> int:
    """Run a module of the checkout with the toolchain's Python. Returns the exit code."""
    return run([layout.venv / "bin" / "python", "-m", module, *arguments], environment, layout)
