"""`python -m operations.kubeconfig check STACK`, or `rebuild`: no kubeconfig of a state reaches a program as it is.

A state of release 0.1.0 may hold a kubeconfig that a stranger wrote: it was handed on as it came. A plan writes its
own, but `refresh` and `destroy` begin with the one of the state, and `access` passes it to kubectl.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from core.credentials.kubeconfig import MOST_BYTES, KubeconfigRefused, parse
from core.facts import tokens
from core.state import resource_name, unwrap_secret
from runner import pipes

from .drift.export import ExportError, exported_resources


def main(arguments: list[str]) -> int:
    """Check the kubeconfigs that the providers of a state have, or rewrite the one on standard input.

    Returns an exit code. 0: none is refused. 2: one is, and the reason is printed.
    """
    parser = argparse.ArgumentParser(prog="./bedplate")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("stack")
    commands.add_parser("rebuild")
    given = parser.parse_args(arguments)
    if given.command == "check":
        return _check(given.stack)
    try:
        print(parse(sys.stdin.read(MOST_BYTES + 1)).text(), end="")
    except KubeconfigRefused as refused:
        print(f"the stack's kubeconfig {refused}", file=sys.stderr)
        return 2
    return 0


def faults(resources: list[dict[str, Any]]) -> Iterator[str]:
    """A message for each provider of an exported state whose kubeconfig is refused."""
    for resource in resources:
        text = _given(resource) if resource["type"] == tokens.KUBERNETES_PROVIDER else None
        if text is not None:
            try:
                parse(text)
            except KubeconfigRefused as refused:
                yield f"{resource_name(resource)}: the kubeconfig in the state {refused}"


def _given(resource: Mapping[str, Any]) -> Any:
    """The kubeconfig of a provider; None if it has none."""
    inputs: Mapping[str, Any] = unwrap_secret(resource.get("inputs") or {})
    return inputs.get("kubeconfig")


def _check(stack: str) -> int:
    try:
        found = list(faults(exported_resources(stack)))
    except ExportError:
        # The command that follows says why, in the engine's words.
        return 0
    for fault in found:
        print(fault, file=sys.stderr)
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
