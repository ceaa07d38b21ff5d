"""`./bedplate access STACK`: the credentials of a stack's APIs as files, and the first things to type with them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from toolchain import Layout, ensure

from . import stacks
from .errors import UsageError

# Output of the stack -> the variable that its program reads.
FILES = {"talosconfig": "TALOSCONFIG", "kubeconfig": "KUBECONFIG"}
# Shown as they are to be typed; NODE and CONTROLPLANE are filled in.
FIRST = (
    ("is everything well?", "talosctl -n {controlplane} health"),
    ("what does a machine do?", "talosctl -n {node} dashboard"),
    ("its services, and one's log", "talosctl -n {node} services; talosctl -n {node} logs kubelet"),
    ("what its kernel says", "talosctl -n {node} dmesg --follow"),
    ("who is in etcd?", "talosctl -n {controlplane} etcd members"),
    ("are the nodes Ready?", "kubectl get nodes -o wide"),
    ("what does not run?", "kubectl get pods -A --field-selector=status.phase!=Running"),
)
VMS = (
    ("which VMs are there?", "kubectl get vms -A"),
    ("a VM's console", "virtctl console NAME -n vms"),
)


def access(arguments: list[str], layout: Layout) -> int:
    """Write a stack's talosconfig and kubeconfig, readable by their owner only, and say what to do with them."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        there = ", ".join(stacks.known(layout)) or "none yet"
        raise UsageError(f"access: name one stack: ./bedplate access STACK; there are: {there}")
    stack = stacks.find(arguments[0], layout)
    environment = stacks.environment(stack, layout, os.environ)
    ensure({"plan"}, layout)
    found = outputs(stack, layout, environment, "access")
    folder = layout.home / "access" / stack.name.replace("/", "-")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in FILES:
        _write(folder / name, found[name])
    for line in _told(folder, found):
        print(line)
    return 0


def outputs(stack: stacks.Stack, layout: Layout, environment: dict[str, str], what: str) -> dict[str, Any]:
    """A stack's outputs with its secrets, both credentials among them. Raises UsageError for the command `what`."""
    command = [layout.bin / "pulumi", "stack", "output", "--stack", stack.name, "--json", "--show-secrets"]
    done = subprocess.run(command, env=environment, cwd=layout.checkout, capture_output=True, text=True)
    if done.returncode:
        raise UsageError(
            f"{what}: {(done.stderr or done.stdout).strip()}; make the platform first: ./bedplate up {stack.name}"
        )
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    missing = [name for name in FILES if not isinstance(found.get(name), str)]
    if missing:
        raise UsageError(
            f"{what}: stack {stack.name} has no {' and no '.join(missing)} yet; make them first: ./bedplate up {stack.name}"
        )
    return found


def _write(file: Path, text: str) -> None:
    # Complete and closed to others before it has its name.
    handle, fresh = tempfile.mkstemp(dir=file.parent)
    with open(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(fresh, file)


def _told(folder: Path, found: dict[str, Any]) -> list[str]:
    planes = json.loads(found["talosconfig"])["contexts"]
    first = next(iter(planes.values()))["endpoints"][0]
    machines = found.get("machines") or {}
    expires = found.get("expires") or {}
    node = next((address for address in machines.values() if address != first), first)
    shown = [f"  {name} {address}" for name, address in machines.items()]
    commands = [(what, command.format(controlplane=first, node=node)) for what, command in (*FIRST, *VMS)]
    width = max(len(command) for _, command in commands)
    return [
        "Type this once; the files are yours alone, and as good as the keys to the machines:",
        *(f"  export {variable}={shlex.quote(str(folder / name))}" for name, variable in FILES.items()),
        "",
        "Machines:",
        *shown,
        *(
            ["", "Valid until:", *(f"  {what} {expires[what][:10]}" for what in FILES if what in expires)]
            if expires
            else []
        ),
        "",
        "Then, for example:",
        *(f"  {command:<{width}}  # {what}" for what, command in commands),
        "",
        'Where a program is missing: ./bedplate setup talosctl kubectl virtctl; export PATH="$PWD/.toolchain/bin:$PATH"',
    ]
