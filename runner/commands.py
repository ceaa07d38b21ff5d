"""What each command does, in the words of the engine and the toolchain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from toolchain import Layout, ensure, manifests

from . import stacks
from .environment import LOCAL, localize, tools
from .errors import UsageError

STACK_NOT_FOUND = 6


# Where editors find it: each stack file names it in its first line.
SCHEMA = "schema/stack.schema.json"
# The engine hands a stack's config to the program in one environment variable.
LARGE = 100 * 1024
TOO_LARGE = (
    "The program gets its config in one environment variable, and Linux ends that at 128 KiB ('argument list too "
    "long'). Move machines:, vms: or workloads: to files of their own, and name those under include:."
)


def setup(arguments: list[str], layout: Layout) -> int:
    """Set up the parts of a plan, all parts, or the named ones."""
    options = {each for each in arguments if each.startswith("-")}
    names = {each for each in arguments if not each.startswith("-")}
    if unknown := options - {"--all", "--write-manifests"}:
        raise UsageError(f"setup: unknown option {', '.join(sorted(unknown))}; there are --all, --write-manifests")
    writing = "--write-manifests" in options
    if "--all" in options:
        names.add("all")
    if writing:
        names.add("kubevirt-manifests")
    installed = ensure(names or {"plan"}, layout)
    if writing:
        changed = manifests.write(installed, layout)
        for file in changed:
            print(f"wrote {file.relative_to(layout.checkout)}")
        if not changed:
            print("the committed manifests are what their modules generate")
    manifests.check(installed, layout)
    if not writing:
        print(f"Everything is set up in {layout.home}")
    return 0


def preview(arguments: list[str], layout: Layout) -> int:
    """Preview a stack with the policy pack; creates the stack on first use."""
    return _operate("preview", arguments, layout, policed=True, creates=True)


def up(arguments: list[str], layout: Layout) -> int:
    """Update a stack with the policy pack; creates the stack on first use."""
    return _operate("up", arguments, layout, policed=True, creates=True)


def refresh(arguments: list[str], layout: Layout) -> int:
    """Refresh a stack."""
    return _operate("refresh", arguments, layout)


def destroy(arguments: list[str], layout: Layout) -> int:
    """Destroy a stack, all but what is protected: the PKI and the record that etcd was bootstrapped."""
    chosen = any(each.split("=")[0] == "--exclude-protected" for each in arguments)
    return _operate("destroy", arguments if chosen else [*arguments, "--exclude-protected"], layout)


def test(arguments: list[str], layout: Layout) -> int:
    """Run the tests; arguments go to pytest."""
    manifests.check(ensure({"test"}, layout), layout)
    return run([layout.venv / "bin" / "python", "-m", "pytest", *arguments], tools(layout, os.environ), layout)


def schema(arguments: list[str], layout: Layout) -> int:
    """Write the JSON Schema of the stack files."""
    ensure({"python"}, layout)
    command = [layout.venv / "bin" / "python", "-m", "core.model.schema", *(arguments or [SCHEMA])]
    return run(command, tools(layout, os.environ), layout)


def bench(arguments: list[str], layout: Layout) -> int:
    """Measure what a plan costs, as ratios of one run."""
    ensure({"plan"}, layout)
    return run([layout.venv / "bin" / "python", "tests/bench/plan.py", *arguments], tools(layout, os.environ), layout)


def pulumi(arguments: list[str], layout: Layout) -> int:
    """Run the engine as it is, in the environment of the stack that the arguments name."""
    name = _stack_option(arguments) or os.environ.get("PULUMI_STACK") or LOCAL
    if {"login", "logout"} & set(arguments[:1]) or name not in stacks.known(layout):
        environment = tools(layout, os.environ)
    else:
        environment = stacks.environment(stacks.find(name, layout), layout, os.environ)
        environment.setdefault("PULUMI_STACK", name)
    if name == LOCAL and not arguments[:1] == ["login"]:
        localize(environment, layout, own_salt=True)
    ensure({"plan"}, layout)
    with stacks.passing(environment, layout):
        return run([layout.bin / "pulumi", *arguments], environment, layout)


def _operate(verb: str, arguments: list[str], layout: Layout, policed: bool = False, creates: bool = False) -> int:
    if not arguments or arguments[0].startswith("-"):
        there = ", ".join(stacks.known(layout)) or "none yet"
        raise UsageError(f"{verb}: name a stack first: ./bedplate {verb} STACK [OPTION...]; there are: {there}")
    name, *extra = arguments
    stack = stacks.find(name, layout)
    if len(stack.text) > LARGE:
        print(f"bedplate: {stack.file.name} has {len(stack.text) // 1024} KiB. {TOO_LARGE}", file=sys.stderr)
    environment = stacks.environment(stack, layout, os.environ)
    ensure({"plan"}, layout)
    with stacks.config(stack, layout) as folder, stacks.passing(environment, layout):
        command: list[str | Path] = [layout.bin / "pulumi", verb, "--stack", name]
        if not any(each.split("=")[0] == "--config-file" for each in extra):
            command += ["--config-file", folder / stack.file.name]
        if policed and (pack := _policy_pack(layout)):
            command += ["--policy-pack", pack]
        command += extra
        if creates and stacks.absent(stack, layout, environment):
            create(name, environment, layout, folder)
        code = run(command, environment, layout)
        if creates and code == STACK_NOT_FOUND:
            # Only the engine knows what is in a backend that is not a folder.
            create(name, environment, layout, folder)
            code = run(command, environment, layout)
        return code


def create(name: str, environment: Mapping[str, str], layout: Layout, folder: Path) -> None:
    """Create a stack; one that is there already is as good."""
    done = subprocess.run(
        [layout.bin / "pulumi", "stack", "init", "--no-select", "--non-interactive", name],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    told = (done.stdout + done.stderr).strip()
    if done.returncode and "already exists" not in told:
        raise UsageError(f"stack {name} could not be created: {told}")
    print(f"Created stack {name}", file=sys.stderr)


def _policy_pack(layout: Layout) -> str:
    chosen = os.environ.get("BEDPLATE_POLICY_PACK")
    if chosen is not None:
        return chosen
    # An executable pack runs with the Python on PATH; the engine would look for one inside a folder.
    return "policy/pack" if (layout.checkout / "policy" / "pack").exists() else "policy"


def _stack_option(arguments: list[str]) -> str:
    for index, each in enumerate(arguments):
        if each in {"-s", "--stack"} and index + 1 < len(arguments):
            return arguments[index + 1]
        if each.startswith("--stack="):
            return each.removeprefix("--stack=")
    return ""


def run(command: list[str | Path], environment: Mapping[str, str], layout: Layout) -> int:
    """Run a program in the checkout and yield its exit code.

    A Ctrl-C reaches it from the terminal, and it decides what follows; a SIGTERM is passed on.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=layout.checkout,
            # A signal that is ignored here would be ignored there too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return code if code >= 0 else 128 - code
