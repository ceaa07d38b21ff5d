"""An object or a machine config that was edited by hand is detected and restored."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from lab.rehearsal import Rehearsal
from lab.shown import NotShown, see


def by_hand(resource: Mapping[str, Any]) -> dict[str, Any] | None:
    """A change that somebody could make to this object with kubectl: one truth value or one label of its own."""
    inputs = resource.get("inputs") or {}
    if not resource["type"].startswith("kubernetes:") or not {"apiVersion", "kind"} <= inputs.keys():
        return None
    for key, value in sorted((inputs.get("spec") or {}).items()):
        if isinstance(value, bool):
            return {"spec": {key: not value}}
    labels = (inputs.get("metadata") or {}).get("labels") or {}
    for key in sorted(labels):
        # The API would refuse this value for a pod security label.
        if "pod-security" not in key:
            return {"metadata": {"labels": {key: "edited-by-hand"}}}
    return None


def address(resource: Mapping[str, Any]) -> list[str]:
    """The arguments by which kubectl finds the object of a resource of the state."""
    group, _, version = resource["inputs"]["apiVersion"].rpartition("/")
    namespace, _, name = resource["id"].rpartition("/")
    kind = f"{resource['inputs']['kind']}.{version}.{group}"
    return [kind if group else resource["inputs"]["kind"], name, *(["--namespace", namespace] if namespace else [])]


def an_object(rehearsal: Rehearsal) -> None:
    """A refresh detects an object of the stack that was edited by hand, and an `up` restores it."""
    editable = [(one, edit) for one in rehearsal.engine.state() if (edit := by_hand(one)) is not None]
    if not editable:
        rehearsal.times.say("  skipped: the rehearsed stack has no Kubernetes object of its own")
        rehearsal.times.fact("drift", "skipped: the rehearsed stack has no object of its own")
        return
    target, edit = editable[0]
    what = f"{target['inputs']['kind']} {target['id']}"
    rehearsal.clients.kube("patch", *address(target), "--type=merge", f"--patch={json.dumps(edit)}")
    rehearsal.times.say(f"  edited {what} by hand: {json.dumps(edit)}")
    seen = rehearsal.engine.run("preview", "--refresh", "--expect-no-changes", seconds=180, check=False)
    see(seen.code != 0, f"{what} was edited by hand, and a preview with --refresh reports no change")
    rehearsal.update("--refresh", seconds=300)
    rehearsal.engine.run("preview", "--refresh", "--expect-no-changes", seconds=180)
    rehearsal.times.fact("drift", f"detected and restored: {what}")


def a_machine(rehearsal: Rehearsal) -> None:
    """`drift` names the field of a machine config that was edited by hand, and an `up` of that machine restores it."""
    see(drifted(rehearsal) == {}, f"machines differ from what was declared: {drifted(rehearsal)}")
    name = next(machine.name for machine in rehearsal.topology.machines if machine.address == rehearsal.first)
    patch = json.dumps({"machine": {"nodeLabels": {"bedplate.rehearsal/by-hand": "yes"}}})
    rehearsal.clients.talos(
        "patch", "machineconfig", "--mode=no-reboot", f"--patch={patch}", "--nodes", rehearsal.first
    )
    fields = drifted(rehearsal)
    see(fields == {name: ["machine.nodeLabels.bedplate.rehearsal/by-hand"]}, f"drift reports {fields}")
    rehearsal.times.say(f"  edited {name}'s config by hand: drift reports {fields}")
    rehearsal.update("--target-replace", f"**MachineConfig::talos-{name}", seconds=300)
    see(drifted(rehearsal) == {}, f"still drifted after the up: {drifted(rehearsal)}")
    rehearsal.times.fact("machine_drift", fields)


def drifted(rehearsal: Rehearsal) -> dict[str, list[str]]:
    """Machines that differ: each name to its fields. Raises NotShown if `drift` fails."""
    done = rehearsal.lab.run(
        [sys.executable, "-m", "operations.drift", rehearsal.stack, "--json"],
        seconds=60,
        env=rehearsal.engine.environment,
        cwd=rehearsal.checkout,
        check=False,
    )
    if done.returncode not in (0, 7):
        raise NotShown(f"drift ended with {done.returncode}: {done.stderr[-500:]}")
    inspections = json.loads(done.stdout)
    unread = [f"{one['machine']}: {one['unread']}" for one in inspections if one["unread"]]
    see(not unread, f"drift could not read {'; '.join(unread)}")
    # The nodes run the Talos release that is built here and not the declared image, so that difference is expected.
    paths = {
        one["machine"]: [each["path"] for each in one["differences"] if each["document"] != "Talos"]
        for one in inspections
    }
    return {machine: fields for machine, fields in paths.items() if fields}
