"""`./bedplate access STACK`: the credentials of a stack's APIs as files, and the first commands to type with them."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolchain import Layout

from . import kubeconfigs, session
from .errors import UsageError

# Output of the stack -> the variable that its program reads.
FILES = {"talosconfig": "TALOSCONFIG", "kubeconfig": "KUBECONFIG"}
# The programs that people use on a running cluster; no command of ours but `snapshot` needs one.
PROGRAMS = ("talosctl", "kubectl", "virtctl")
# Purpose and command, in the order shown; NODE and CONTROLPLANE are filled in.
EXAMPLES = (
    ("is the cluster healthy?", "talosctl -n {controlplane} health"),
    ("what does a machine do?", "talosctl -n {node} dashboard"),
    ("its services, and the log of one", "talosctl -n {node} services; talosctl -n {node} logs kubelet"),
    ("its kernel log", "talosctl -n {node} dmesg --follow"),
    ("the members of etcd", "talosctl -n {controlplane} etcd members"),
    ("are the nodes Ready?", "kubectl get nodes -o wide"),
    ("pods that do not run", "kubectl get pods -A --field-selector=status.phase!=Running"),
    ("the virtual machines", "kubectl get vms -A"),
    ("the console of one", "virtctl console NAME -n vms"),
)


def access(given: Namespace, layout: Layout) -> int:
    """Write a stack's talosconfig and kubeconfig, readable by their owner only, and print what to do with them.

    Returns exit code 0.
    """
    work = session.start(given.stack, layout)
    credentials = outputs(work, "access")
    credentials["kubeconfig"] = kubeconfigs.rebuilt(work, credentials["kubeconfig"])
    folder = layout.home / "access" / work.stack.name.replace("/", "-")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in FILES:
        _write(folder / name, credentials[name])
    for line in _instructions(folder, credentials):
        print(line)
    return 0


def outputs(work: session.Session, command: str) -> dict[str, Any]:
    """A stack's outputs by name, secrets in plain text; talosconfig and kubeconfig are among them.

    Raises UsageError, in the name of a command, when the stack has none yet.
    """
    stack = work.stack.name
    done = work.capture("stack", "output", "--stack", stack, "--json", "--show-secrets")
    if done.returncode:
        reason = (done.stderr or done.stdout).strip()
        raise UsageError(f"{command}: {reason}; create the platform first: ./bedplate up {stack}")
    values: dict[str, Any] = json.loads(done.stdout or "{}")
    missing = " and no ".join(name for name in FILES if not isinstance(values.get(name), str))
    if missing:
        raise UsageError(
            f"{command}: stack {stack} has no {missing} yet; create the platform first: ./bedplate up {stack}"
        )
    return values


def _write(file: Path, text: str) -> None:
    # Complete and closed to others before it has its name.
    handle, fresh = tempfile.mkstemp(dir=file.parent)
    with open(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(fresh, file)


def _instructions(folder: Path, credentials: Mapping[str, Any]) -> Iterator[str]:
    contexts = json.loads(credentials["talosconfig"])["contexts"]
    first = next(iter(contexts.values()))["endpoints"][0]
    machines = credentials.get("machines") or {}
    expires = credentials.get("expires") or {}
    node = next((address for address in machines.values() if address != first), first)
    yield "Type this in each new shell. Only you can read the files; anyone who has them controls the machines:"
    for name, variable in FILES.items():
        yield f"  export {variable}={shlex.quote(str(folder / name))}"
    yield from ("", "Machines:")
    for name, address in machines.items():
        yield f"  {name} {address}"
    if expires:
        yield from ("", "Valid until:", *(f"  {name} {expires[name][:10]}" for name in FILES if name in expires))
    yield from ("", "Then, for example:")
    commands = [(purpose, command.format(controlplane=first, node=node)) for purpose, command in EXAMPLES]
    width = max(len(command) for _, command in commands)
    for purpose, command in commands:
        yield f"  {command:<{width}}  # {purpose}"
    yield ""
    yield f'If a program is missing: ./bedplate setup {" ".join(PROGRAMS)}; export PATH="$PWD/.toolchain/bin:$PATH"'
