"""`python -m drift.changes STACK --file FILE [--json]`: started by `./bedplate changes`, in the engine's environment."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from core.facts import tokens
from core.machineconfig.differences import Difference, differences
from core.machineconfig.documents import patches
from core.machineconfig.merge import merge
from core.machineconfig.redaction import shown_value
from core.model import Platform, StackFileError, included, parse
from core.native.machine import IDENTITY, NODE_HEALTHY, TALOS_VERSION
from core.state import unwrap_secret
from runner import pipes

CHANGES = 7
_KINDS = {
    tokens.CONFIGURATION_APPLY: "config",
    IDENTITY.token: "identity",
    NODE_HEALTHY.token: "settled",
    TALOS_VERSION.token: "release",
}
_COMPONENT = "bedplate:talos:Machine$"


@dataclass(frozen=True)
class Change:
    """What becomes of one machine. The fields are the JSON's, and documented: docs/day-two.md."""

    machine: str
    address: str
    state: str
    """same, changes, joins or leaves."""
    reboots: bool = False
    drained: bool = False
    differences: list[Difference] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """0: an `up` changes no machine; 7: it does."""
    parser = argparse.ArgumentParser(prog="./bedplate changes")
    parser.add_argument("stack")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    try:
        platform = _platform(given.file)
    except StackFileError as refused:
        print(f"changes: the stack file has faults\n{refused}", file=sys.stderr)
        return 2
    exported = subprocess.run(
        ["pulumi", "stack", "export", "--stack", given.stack, "--show-secrets"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if exported.returncode:
        print(f"changes: {exported.stderr.strip()}", file=sys.stderr)
        return 2
    found = list(compared(platform, json.loads(exported.stdout)["deployment"].get("resources") or []))
    print(as_json(given.stack, found) if given.json else table(found))
    return CHANGES if any(one.state != "same" for one in found) else 0


def _platform(file: Path) -> Platform:
    """Raises Refused."""
    config = (yaml.safe_load(file.read_text()) or {}).get("config") or {}
    raw = next((value for key, value in config.items() if key.endswith(":platform")), None)
    return parse(included(raw, Path.cwd()), date.today())


def compared(platform: Platform, resources: list[dict[str, Any]]) -> Iterator[Change]:
    """Each machine of the stack file or of the state. What was not taken yet still counts as to come."""
    had = _had(resources)
    for name in sorted({*platform.machines, *had}):
        state, machine = had.get(name, {}), platform.machines.get(name)
        if machine is None:
            yield Change(name, str(unwrap_secret(state.get("config", {}).get("node", ""))), "leaves", drained=True)
        elif "config" not in state:
            yield Change(name, str(machine.address), "joins")
        else:
            yield _change(platform, name, state)


def _change(platform: Platform, name: str, state: Mapping[str, Mapping[str, Any]]) -> Change:
    before = [json.loads(str(unwrap_secret(patch))) for patch in unwrap_secret(state["config"].get("configPatches")) or []]
    fields = differences(merge(before), merge(map(json.loads, patches(platform, name))))
    moved = list(_moves(platform, state))
    found = [*moved, *fields]
    reboots = any(each.reboots for each in found)
    return Change(
        name,
        str(platform.machines[name].address),
        "changes" if found else "same",
        reboots,
        reboots or bool(moved),
        found,
    )


def _moves(platform: Platform, state: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    """Kubernetes and the OS, which are no fields of a patch."""
    versions = unwrap_secret(state.get("identity", {}).get("versions")) or {}
    was = unwrap_secret(state.get("settled", {}).get("kubernetes")) or unwrap_secret(versions.get("kubernetes"))
    for document, path, old, new, reboots in (
        ("Kubernetes", "version", was, platform.talos.kubernetes, False),
        ("Talos", "image", unwrap_secret(state.get("release", {}).get("image")), platform.installer, True),
    ):
        if old and old != new:
            yield Difference(document, path, shown_value((path,), old), shown_value((path,), new), reboots)


def _had(resources: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Machine to its resources' inputs, as the last update left them. A machine's config is there once it was taken."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for resource in resources:
        if kind := _KINDS.get(resource["type"]):
            found.setdefault(_machine(resource["urn"], kind), {})[kind] = resource.get("inputs") or {}
    return {name: state for name, state in found.items() if "config" in state}


def _machine(urn: str, kind: str) -> str:
    """The machine that a resource belongs to, by the resource's name.

    Since release 0.1.0 the name is that of the machine's component. In older states the resources are beneath the
    cluster, and some names end in what the resource is.
    """
    name = urn.rpartition("::")[2].partition("-")[2]
    return name.removesuffix("-settled") if kind == "settled" and _COMPONENT not in urn else name


def as_json(stack: str, found: list[Change]) -> str:
    """For programs: the shape of version 1 only grows."""
    return json.dumps({"version": 1, "stack": stack, "machines": [asdict(one) for one in found]}, indent=1)


def table(found: list[Change]) -> str:
    """What a person reads: a line a machine, and beneath it what it has -> what it gets."""
    width = max((len(one.machine) for one in found), default=0)
    lines = []
    for one in found:
        how = (
            "REBOOTS, drained, in its turn"
            if one.reboots
            else "drained, in its turn, no reboot"
            if one.drained
            else "no reboot"
        )
        said = {"same": "nothing changes", "joins": "joins: its first config", "leaves": "leaves the platform"}.get(
            one.state, f"{len(one.differences)} changes; {how}"
        )
        lines.append(f"{one.machine:<{width}}  {one.address:<15}  {said}")
        lines += [f"{'':<{width}}    {each}" for each in one.differences]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
