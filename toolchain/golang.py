"""Which `go` builds the parts: the machine's own where it is new enough, otherwise a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import onpath
from .errors import ToolchainError
from .layout import Layout

# The linker strips the debug information that the compiler writes. Without it, the largest package compiles in nine
# tenths of the time.
FLAGS = "-mod=readonly -buildvcs=false -trimpath -gcflags=all=-dwarf=false"

# Measured on the largest package, core/v1 of the Kubernetes SDK: with a lazier garbage collector the compiler uses
# 3.6 GB instead of 2.8, and three quarters of the time (30 s of CPU instead of 41).
LAZY_GC = "400"
LAZY_GC_BYTES = 10 << 30


def required(folder: Path) -> tuple[int, ...]:
    """The Go version that a module requires, as numbers. Raises ToolchainError for a go.mod without one."""
    line = re.search(r"^go (\d+(?:\.\d+)*)", (folder / "go.mod").read_text(), re.MULTILINE)
    if not line:
        raise ToolchainError(f"{folder / 'go.mod'}: has no `go` line; write one with the Go version that it needs")
    return _numbers(line.group(1))


def on_machine(layout: Layout) -> tuple[Path, tuple[int, ...]] | None:
    """The `go` on PATH and its version as numbers; None when there is none, or it does not run."""
    program = shutil.which("go", path=onpath.outside(layout))
    if not program:
        return None
    try:
        output = subprocess.run(
            [program, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"go(\d+(?:\.\d+)*)", output)
    return (Path(program), _numbers(version.group(1))) if version else None


def environment(go: Path, cgo: bool = False) -> dict[str, str]:
    """The environment of `go`, by variable: pinned modules only, this toolchain only, nothing from a workspace."""
    kept = {k: v for k, v in os.environ.items() if k not in {"GOROOT", "GOOS", "GOARCH"}}
    if "GOGC" not in kept and _available_bytes() >= LAZY_GC_BYTES:
        kept["GOGC"] = LAZY_GC
    return kept | {
        "PATH": f"{go.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "GOFLAGS": FLAGS,
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "1" if cgo else "0",
    }


def _available_bytes() -> int:
    try:
        line = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        line = None
    return int(line.group(1)) << 10 if line else 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split("."))
