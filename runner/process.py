"""Run a program of the toolchain in the checkout."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolchain import Layout

from . import passphrase, private, states
from .filter import Filter

INHERITED = -1
"""The umask of a program whose files others may need: the lab, the tests, files for the boot server."""


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    layout: Layout,
    *,
    folder: Path | None = None,
    umask: int | None = None,
    output: Filter | None = None,
) -> int:
    """Run a program in the checkout or in another folder. Returns its exit code, or 128 plus the number of its signal.

    output: what its output passes through; by default it is this process's own.
    umask: by default, what the program writes is private to the user, or to the group that shares the state's folder.
    Ctrl-C reaches the program from the terminal, and the program decides what follows; SIGTERM is passed on to it.
    """
    stdout, stderr = output.streams() if output else (None, None)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with passphrase.handed(environment, layout) as (variables, started):
            process = subprocess.Popen(
                command,
                env=variables,
                cwd=folder or layout.checkout,
                umask=_umask(environment) if umask is None else umask,
                stdout=stdout,
                stderr=stderr,
                # A signal that is ignored here would be ignored there too.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            started(process.pid)
            if output:
                output.start(process)
            code = process.wait()
            if output:
                output.finish()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return code if code >= 0 else 128 - code


def capture(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    layout: Layout,
    *,
    folder: Path | None = None,
    text: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program in the checkout or in another folder. Returns its exit code and output, which is not shown.

    text: what the program reads from its standard input.
    """
    with passphrase.handed(environment, layout) as (variables, started):
        process = subprocess.Popen(
            command,
            env=variables,
            cwd=folder or layout.checkout,
            umask=_umask(environment),
            stdin=None if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started(process.pid)
        stdout, stderr = process.communicate(text)
    return subprocess.CompletedProcess(list(command), process.returncode, stdout, stderr)


def python(
    layout: Layout,
    environment: Mapping[str, str],
    module: str,
    *arguments: str | Path,
    umask: int | None = None,
) -> int:
    """Run a module of the checkout with the toolchain's Python. Returns the exit code."""
    return run([layout.venv / "bin" / "python", "-m", module, *arguments], environment, layout, umask=umask)


def _umask(environment: Mapping[str, str]) -> int:
    return private.umask_for(states.folder(environment.get("PULUMI_BACKEND_URL", "")))
