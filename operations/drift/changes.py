"""`python -m operations.drift.changes STACK --file FILE [--json]`, which `./bedplate changes` starts.

It says what the next `up` does to each machine: which fields change, and whether it drains or reboots.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from clients import judge
from core.facts.contracts import skipped
from core.facts.versions import minor
from core.loading import stackfile
from core.machineconfig.base import base_texts
from core.machineconfig.differences import Difference, differences
from core.machineconfig.documents import patches
from core.machineconfig.merge import merge
from core.machineconfig.redaction import shown_value
from core.model import Platform, StackFileError
from core.native.cluster import CHANGE_GUARD
from core.native.machine import IDENTITY, NODE_HEALTHY, TALOS_VERSION
from core.printable import printable_lines
from core.state import CONFIGURED, machine_of, unwrap_secret
from runner import pipes

from .export import ExportError, exported_resources
from .summary import lines, total

CHANGES = 7
# Type token of each resource of a machine that is compared, to the name used here.
_KINDS = {
    **dict.fromkeys(CONFIGURED, "config"),
    IDENTITY.token: "identity",
    NODE_HEALTHY.token: "healthy",
    TALOS_VERSION.token: "version",
}


@dataclass(frozen=True)
class Change:
    """What the next `up` does to one machine. `--json` prints these fields; docs/day-two.md documents them."""

    machine: str
    address: str
    state: str
    """same, changes, joins or leaves."""
    reboots: bool = False
    drained: bool = False
    differences: list[Difference] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Print the changes. Yields the exit code: 0 if an `up` changes no machine, 7 if it does, 2 if that is unknown."""
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
    changes = list(compared(platform, resources))
    skips = contract_refused(platform, resources)
    print(as_json(given.stack, changes, skips) if given.json else printable_lines(table(changes, skips)))
    return CHANGES if any(change.state != "same" for change in changes) else 0


def compared(platform: Platform, resources: list[dict[str, Any]]) -> Iterator[Change]:
    """The change of each machine of the stack file or the state.

    Configs count as applied only once Talos took them, so what an interrupted `up` left undone is still a change.
    """
    states = _states(resources)
    for name in sorted({*platform.machines, *states}):
        state, machine = states.get(name, {}), platform.machines.get(name)
        if machine is None:
            yield Change(name, str(unwrap_secret(state.get("config", {}).get("node", ""))), "leaves", drained=True)
        elif "config" not in state:
            yield Change(name, str(machine.address), "joins")
        else:
            yield _change(platform, name, state)


def contract_refused(platform: Platform, resources: list[dict[str, Any]]) -> str:
    """Why the plan refuses the declared contract after that of the last update, and what to write first; else empty."""
    guards = [resource.get("inputs") or {} for resource in resources if resource["type"] == CHANGE_GUARD.token]
    was = [of["contract"] for of in guards if isinstance(of.get("contract"), str)]
    return (skipped(minor(was[0]), minor(platform.talos.contract)) or "") if was else ""


def _change(platform: Platform, name: str, state: Mapping[str, Mapping[str, Any]]) -> Change:
    config, declared = state["config"], patches(platform, name)
    applied = unwrap_secret(config.get("configPatches")) or []
    # A state of an earlier release has no base, so it is compared without one.
    if generated := unwrap_secret(config.get("base")) or []:
        applied = [*generated, *applied]
        declared = [*base_texts(platform, platform.machines[name].role), *declared]
    fields = differences(merge(map(json.loads, applied)), merge(map(json.loads, declared)))
    upgrades = list(_upgrades(platform, name, state))
    every = [*upgrades, *fields]
    reboots = any(difference.reboots for difference in every)
    address = str(platform.machines[name].address)
    return Change(name, address, "changes" if every else "same", reboots, reboots or bool(upgrades), every)


def _upgrades(platform: Platform, name: str, state: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    """Another version of Kubernetes and another image of Talos, which are not fields of a patch."""
    versions = unwrap_secret(state.get("identity", {}).get("versions")) or {}
    kubernetes = unwrap_secret(state.get("healthy", {}).get("kubernetes")) or versions.get("kubernetes")
    for document, path, old, new, reboots in (
        ("Kubernetes", "version", kubernetes, platform.talos.kubernetes, False),
        ("Talos", "image", unwrap_secret(state.get("version", {}).get("image")), platform.installer_of(name), True),
    ):
        if old and old != new:
            yield Difference(document, path, shown_value((path,), old), shown_value((path,), new), reboots)


def _states(resources: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Machine to the inputs of its resources, by their names in _KINDS; machines without an applied config left out."""
    states: dict[str, dict[str, dict[str, Any]]] = {}
    for resource in resources:
        if kind := _KINDS.get(resource["type"]):
            states.setdefault(machine_of(resource), {})[kind] = resource.get("inputs") or {}
    return {name: state for name, state in states.items() if "config" in state}


def as_json(stack: str, changes: list[Change], refused: str = "") -> str:
    """The changes as JSON, for programs. Version 1 of the shape may get more fields and loses none."""
    machines = [asdict(change) for change in changes]
    return json.dumps({"version": 1, "stack": stack, "refused": refused, "machines": machines}, indent=1)


def table(changes: list[Change], refused: str = "") -> str:
    """The changes for people: a line for each machine, and beneath it each field: what it has -> what it gets.

    Values that only move to a document of their own are one line for each field and document.
    """
    width = max((len(change.machine) for change in changes), default=0)
    address = max([15, *(len(change.address) for change in changes)])
    shown = [f"The plan refuses this: {refused}", ""] if refused else []
    for change in changes:
        shown.append(f"{change.machine:<{width}}  {change.address:<{address}}  {_summary(change)}")
        shown += [f"{'':<{width}}    {line}" for line in lines(change.differences)]
    return "\n".join(shown)


def _summary(change: Change) -> str:
    if change.state != "changes":
        return {"same": "nothing changes", "joins": "joins: its first config", "leaves": "leaves the platform"}[
            change.state
        ]
    effect = "drained, in its turn, no reboot" if change.drained else "no reboot"
    return f"{total(change.differences)}; {'REBOOTS, drained, in its turn' if change.reboots else effect}"


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
