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

# Nobody would see the debug information that the compiler makes: the linker strips it. Without it,
# the largest package compiles in nine tenths of the time.
FLAGS = "-mod=readonly -buildvcs=false -trimpath -gcflags=all=-dwarf=false"

# Measured on the largest package, core/v1 of the Kubernetes SDK: a lazier garbage collector takes
# 3.6 GB instead of 2.8 and spares a quarter of the compiler's time (30 s of CPU instead of 41).
LAZY_GC = "400"
LAZY_GC_BYTES = 10 << 30


def required(folder: Path) -> tuple[int, ...]:
    """The Go version that a module asks for."""
    found = re.search(r"^go (\d+(?:\.\d+)*)", (folder / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise ToolchainError(f"{folder / 'go.mod'}: no `go` line")
    return _numbers(found.group(1))


def on_machine(layout: Layout) -> tuple[Path, tuple[int, ...]] | None:
    """The `go` on PATH and its version, if there is one that answers."""
    found = shutil.which("go", path=onpath.outside(layout))
    if not found:
        return None
    try:
        told = subprocess.run(
            [found, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"go(\d+(?:\.\d+)*)", told)
    return (Path(found), _numbers(version.group(1))) if version else None


def environment(go: Path, cgo: bool = False) -> dict[str, str]:
    """What `go` runs with: pinned modules only, this toolchain only, nothing from a workspace."""
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
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return int(found.group(1)) << 10 if found else 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split("."))
