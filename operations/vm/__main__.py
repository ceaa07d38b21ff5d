"""`python -m operations.vm STACK ACTION NAME … --file FILE`, which `./bedplate vm` starts."""

import argparse
import sys
from datetime import date
from pathlib import Path

from core.loading import stackfile
from core.model import Platform, StackFileError
from core.model.virtualization import ROOT
from core.printable import printable_lines
from runner import pipes

from ..drift.export import ExportError, exported_resources
from ..drift.nodes import Nodes
from . import copies, states
from .cluster import Refused, Say, Vm


def main(arguments: list[str]) -> int:
    """Carry out one action. Yields exit code 0; 2 if it was refused, or could not be done to the end."""
    parser = argparse.ArgumentParser(prog="./bedplate vm")
    parser.add_argument("stack")
    parser.add_argument("action", choices=("snapshot", "snapshots", "restore", "clone", "export", "place"))
    parser.add_argument("name")
    parser.add_argument("other", nargs="?")
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--disk", default=ROOT)
    parser.add_argument("--snapshot")
    parser.add_argument("--file", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        platform = stackfile.load(given.file, root=Path.cwd(), today=date.today())
        _act(platform, given)
    except StackFileError as error:
        print(f"vm: {error.report}", file=sys.stderr)
        return 2
    except (ExportError, Refused) as error:
        print(f"vm: {_shown(str(error), given.stack)}", file=sys.stderr)
        return 2
    return 0


def _act(platform: Platform, given: argparse.Namespace) -> None:
    if given.name not in platform.vms:
        raise Refused(f"the stack file has no VM {given.name}; there are: {', '.join(platform.vms) or 'none'}")
    namespace = platform.vms[given.name].namespace
    if given.action == "place":
        print(namespace)
        return
    access = Nodes.of(exported_resources(given.stack)).access
    if access is None:
        raise Refused("the stack's state has no kubeconfig that can be used; run ./bedplate up STACK first")
    vm = Vm(access, namespace, given.name)

    def say(text: str) -> None:
        # At once: the next step may take minutes.
        print(_shown(text, given.stack), flush=True)

    if given.action == "snapshot":
        states.snapshot(platform, vm, given.other, say)
    elif given.action == "snapshots":
        _list(vm, say)
    elif given.action == "export":
        say(" ".join((namespace, *states.exported(platform, vm, given.disk, given.snapshot))))
    elif given.action == "restore":
        if given.other is None:
            _list(vm, say)
            raise Refused(f"name one: ./bedplate vm STACK restore {given.name} SNAPSHOT")
        states.restore(vm, given.other, given.yes, say)
    else:
        _clone(platform, vm, given.other, say)


def _list(vm: Vm, say: Say) -> None:
    for each in vm.snapshots():
        ready = "" if (each.get("status") or {}).get("readyToUse") else "  not complete"
        say(f"{each['metadata']['name']}  {each['metadata'].get('creationTimestamp')}{ready}")


def _clone(platform: Platform, vm: Vm, copy: str | None, say: Say) -> None:
    if copy is None:
        raise Refused(f"name the copy: ./bedplate vm STACK clone {vm.name} COPY")
    if copy in platform.vms:
        raise Refused(f"there is a VM {copy} already; name another one")
    name = states.snapshot(platform, vm, None, say)
    say(f"write this under vms:, and run ./bedplate up STACK; delete the snapshot {name} once {copy} runs")
    say(copies.entry(platform, vm, copy, name).rstrip())


def _shown(text: str, stack: str) -> str:
    return printable_lines(text.replace(" STACK", f" {stack}"))


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
