"""`python -m operations.drift.changes STACK --file FILE [--json]`, which `./bedplate changes` starts.

It says what the next `up` does to each machine: which fields change, what that comes to, and whether it reboots; and
what it does to each virtual machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from clients import judge
from core.facts.contracts import skipped
from core.facts.versions import minor
from core.loading import stackfile
from core.model import Platform, StackFileError
from core.model.patches import Place
from core.native.cluster import CHANGE_GUARD
from core.printable import printable_lines
from core.vmchanges import Held
from runner import pipes

from . import guests
from .export import ExportError, exported_resources
from .origins import lines, located
from .pending import Change, pending
from .recorded import recorded
from .summary import table

CHANGES = 7


def main(arguments: list[str]) -> int:
    """Print the changes. Yields the exit code: 0 if an `up` changes nothing, 7 if it does, 2 if that is unknown."""
    parser = argparse.ArgumentParser(prog="./bedplate changes")
    parser.add_argument("stack")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    try:
        platform = stackfile.load(given.file, root=Path.cwd(), today=date.today())
        if refused := judge.refusals(platform, os.environ):
            raise StackFileError(stackfile.placed(refused, given.file, root=Path.cwd()))
    except StackFileError as error:
        print(f"changes: {error.report}", file=sys.stderr)
        return 2
    except judge.JudgeError as error:
        print(f"changes: Talos' validation could not be asked: {error}; {judge.REMEDY}", file=sys.stderr)
        return 2
    try:
        resources = exported_resources(given.stack)
    except ExportError as error:
        print(f"changes: {error}", file=sys.stderr)
        return 2
    changes, vms = compared(platform, resources, given.file), guests.guests(platform, resources)
    skips = contract_refused(platform, resources)
    held = guests.drained(platform)
    if given.json:
        print(as_json(given.stack, changes, skips, vms, held))
    else:
        below = guests.table(vms, held)
        print(printable_lines("\n\n".join([table(changes, skips), *([below] if below else [])])))
    changed = any(change.state != "same" for change in changes) or any(vm.changes for vm in vms)
    return CHANGES if changed else 0


def compared(platform: Platform, resources: list[dict[str, Any]], file: Path | None = None) -> list[Change]:
    """The change of each machine of the stack file or the state. file: the stack file, whose lines origins name."""
    places: dict[str, Place] = {}
    changes = list(pending(platform, recorded(resources), places))
    return located(changes, lines(places, file)) if file else changes


def contract_refused(platform: Platform, resources: list[dict[str, Any]]) -> str:
    """Why the plan refuses the declared contract after that of the last update, and what to write first; else empty."""
    guards = [resource.get("inputs") or {} for resource in resources if resource["type"] == CHANGE_GUARD.token]
    was = [of["contract"] for of in guards if isinstance(of.get("contract"), str)]
    return (skipped(minor(was[0]), minor(platform.talos.contract)) or "") if was else ""


def as_json(
    stack: str,
    changes: list[Change],
    refused: str = "",
    vms: Sequence[guests.GuestChange] = (),
    held: Mapping[str, Sequence[Held]] = MappingProxyType({}),
) -> str:
    """The changes as JSON, for programs. Version 1 of the shape may get more fields and loses none."""
    shown = {
        "machines": [asdict(change) for change in changes],
        "vms": [asdict(vm) for vm in vms],
        "drains": {machine: [asdict(each) for each in those] for machine, those in held.items()},
    }
    return json.dumps({"version": 1, "stack": stack, "refused": refused, **shown}, indent=1)


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
