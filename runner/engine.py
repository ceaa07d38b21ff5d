"""`./bedplate pulumi ARGUMENT...`: the engine as it is, in the environment of the stack that the arguments name."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from toolchain import Layout

from . import passphrase, stacks
from .environment import LOCAL, localize, tools
from .parts import ensure
from .process import run


def pulumi(given: Namespace, layout: Layout) -> int:
    """Run the engine. Returns its exit code."""
    arguments: list[str] = given.options
    verb = arguments[0] if arguments else ""
    name = _stack_option(arguments) or os.environ.get("PULUMI_STACK") or LOCAL
    if verb in {"login", "logout"} or name not in stacks.known(layout):
        environment = tools(layout, os.environ)
        environment |= {name: os.environ[name] for name in passphrase.VARIABLES if name in os.environ}
    else:
        environment = stacks.environment(stacks.find(name, layout), layout, os.environ)
        environment.setdefault("PULUMI_STACK", name)
    if name == LOCAL and verb != "login":
        localize(environment, layout, own_salt=True)
    ensure({"plan"}, layout)
    with stacks.passing(environment, layout):
        return run([layout.bin / "pulumi", *arguments], environment, layout)


def _stack_option(arguments: Sequence[str]) -> str:
    for index, each in enumerate(arguments):
        if each in {"-s", "--stack"} and index + 1 < len(arguments):
            return arguments[index + 1]
        if each.startswith("--stack="):
            return each.removeprefix("--stack=")
    return ""
