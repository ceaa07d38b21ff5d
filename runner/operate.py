"""`./bedplate preview|up|refresh|destroy STACK`: one operation of the engine on one stack."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from itertools import zip_longest
from pathlib import Path

from toolchain import Layout

from . import check, kubeconfigs, session, stacks
from .parts import ensure

# The engine hands a stack's config to the program in one environment variable.
LARGE_BYTES = 100 * 1024
TOO_LARGE = (
    "The program gets its config in one environment variable, and Linux limits that to 128 KiB ('argument list too "
    "long'). Move machines:, vms: or workloads: to files of their own, and name those under include:."
)


def preview(given: Namespace, layout: Layout) -> int:
    """Preview a stack with the policy pack; creates the stack on first use. Returns the engine's exit code."""
    return _operate("preview", given, layout, policed=True, creates=True)


def up(given: Namespace, layout: Layout) -> int:
    """Update a stack with the policy pack; creates the stack on first use. Returns the engine's exit code."""
    return _operate("up", given, layout, policed=True, creates=True)


def refresh(given: Namespace, layout: Layout) -> int:
    """Refresh a stack. Returns the engine's exit code."""
    return _operate("refresh", given, layout)


def destroy(given: Namespace, layout: Layout) -> int:
    """Destroy a stack except for what is protected: the PKI and the record that etcd was bootstrapped.

    Returns the engine's exit code.
    """
    if not _has(given.options, "--exclude-protected"):
        given = Namespace(stack=given.stack, options=[*given.options, "--exclude-protected"])
    return _operate("destroy", given, layout)


def _operate(verb: str, given: Namespace, layout: Layout, policed: bool = False, creates: bool = False) -> int:
    stack = stacks.find(given.stack, layout)
    if len(stack.text) > LARGE_BYTES:
        print(f"bedplate: {stack.file.name} has {len(stack.text) // 1024} KiB. {TOO_LARGE}", file=sys.stderr)
    if policed and (code := _refused(verb, given.options, stack, layout)):
        return code
    work = session.start(given.stack, layout)
    kubeconfigs.check(work, verb, given.options)
    with work.config() as folder:
        command: list[str | Path] = [layout.bin / "pulumi", verb, "--stack", given.stack]
        if not _has(given.options, "--config-file"):
            command += ["--config-file", folder / stack.file.name]
        if policed and (pack := _policy_pack(layout)):
            command += ["--policy-pack", pack]
        command += given.options
        return work.run_creating(command, folder) if creates else work.run(command)


def _refused(verb: str, options: list[str], stack: stacks.Stack, layout: Layout) -> int:
    """Refuse a faulty stack file before the engine reads it, which would say less. Returns 0 for one without faults."""
    ensure({"python"}, layout)
    return check.before(verb, _config_file(options) or stack.file, layout)


def _config_file(options: list[str]) -> Path | None:
    """The file that the options name in place of the stack's own."""
    for option, value in zip_longest(options, options[1:], fillvalue=""):
        if option == "--config-file" or option.startswith("--config-file="):
            return Path(option.partition("=")[2] or value).absolute()
    return None


def _has(options: list[str], name: str) -> bool:
    return any(each.split("=")[0] == name for each in options)


def _policy_pack(layout: Layout) -> str:
    chosen = os.environ.get("BEDPLATE_POLICY_PACK")
    if chosen is not None:
        return chosen
    # An executable pack runs with the Python on PATH; the engine would look for one inside a folder.
    return "policy/pack" if (layout.checkout / "policy" / "pack").exists() else "policy"
