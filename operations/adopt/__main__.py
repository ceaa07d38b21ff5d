"""`python -m operations.adopt STACK BUNDLE CONFIG`: started by `./bedplate import`, in the engine's environment."""

import argparse
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml
from pulumiverse_talos import _utilities as talos_sdk

from core.credentials.signing import signed
from core.loading import stackfile
from core.model import Platform, StackFileError
from core.printable import printable_lines
from runner import pipes

from .bundle import Bundle, BundleError, read
from .compared import Differs, compare
from .state import Occupied, Place, held, put

# The engine's own exit code for a missing stack: the runner creates the stack then.
STACK_NOT_FOUND = 6


class NotImported(Exception):
    """Why nothing was imported. The message is complete, and each of its lines printable."""

    code = 2

    def __init__(self, text: str) -> None:
        super().__init__(printable_lines(text))


class NoStack(NotImported):
    """The stack does not exist yet."""

    code = STACK_NOT_FOUND


def main(arguments: list[str]) -> int:
    """Import the secrets of a file into a stack. Returns an exit code.

    0: the stack has these secrets. 6: the stack does not exist yet. 2: nothing was changed; the reason is printed.
    """
    parser = argparse.ArgumentParser(prog="./bedplate import")
    parser.add_argument("stack")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("config", type=Path, help="the stack's file")
    given = parser.parse_args(arguments)
    try:
        platform = _platform(given.config)
        # The file is checked before the stack is touched: its faults are reported even where there is no stack.
        bundle = _bundle(given.bundle)
        _refuse_reinstallation(platform)
        client = signed(bundle.material["certs"]["os"], datetime.now(UTC))
        compared = _compared(platform, client)
        for line in (*_import(given.stack, platform, bundle, given.bundle, client), compared):
            print(line)
    except NotImported as error:
        print(f"import: {error}", file=sys.stderr)
        return error.code
    return 0


def _platform(file: Path) -> Platform:
    try:
        return stackfile.load(file, root=Path.cwd(), today=date.today())
    except StackFileError as error:
        raise NotImported(f"{error.report}\nnothing was imported: the file must describe the running cluster") from None


def _bundle(file: Path) -> Bundle:
    try:
        with file.open(encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise NotImported(
                    f"{file} can be read by others; whoever has it controls all machines; type: chmod 600 {file}"
                )
            return read(stream.read(), datetime.now(UTC))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise NotImported(f"{file} can't be read ({why}); name the file that talosctl gen secrets wrote") from None
    except BundleError as error:
        count = f"{len(error.faults)} fault{'s' if len(error.faults) > 1 else ''}"
        lines = "\n".join(f"  {fault}" for fault in error.faults)
        raise NotImported(f"{file} has {count}, and nothing was imported\n{lines}") from None


def _refuse_reinstallation(platform: Platform) -> None:
    """An install generation permits Bedplate to reinstall a machine, and these machines run the cluster."""
    generations = {name: machine.install.generation for name, machine in platform.machines.items() if machine.bmc}
    lines = "".join(
        f"\n  platform.machines.{name}.install.generation: is {generation}; write 0"
        for name, generation in generations.items()
        if generation
    )
    if lines:
        raise NotImported(
            "the next up would switch off running machines, and boot them from the network to install them; "
            f"nothing was imported{lines}"
        )


def _compared(platform: Platform, client: Mapping[str, str]) -> str:
    """Compare with the running cluster, where it answers. Returns a line for the reader. Raises NotImported."""
    try:
        return compare(platform, client)
    except Differs as found:
        lines = "".join(f"\n  {line}" for line in found.lines)
        raise NotImported(
            f"the stack file does not describe the running cluster; nothing was imported{lines}"
        ) from None


def _import(stack: str, platform: Platform, bundle: Bundle, file: Path, client: Mapping[str, str]) -> list[str]:
    exported = json.loads(_pulumi("export", "--show-secrets", stack=stack))
    place = _place(stack, platform)
    before = held(exported["deployment"])
    if before is not None and _same(before, bundle.material):
        return [f"stack {stack} has these secrets already; nothing was changed"]
    try:
        exported["deployment"] = put(exported["deployment"], place, bundle.material, client)
    except Occupied:
        raise NotImported(
            f"stack {stack} has secrets of its own, and other secrets would lock out the machines that use them; "
            "nothing was imported; import into a stack that has created no machine yet"
        ) from None
    # Over a pipe: the secrets are in no file and on no command line.
    _pulumi("import", stack=stack, stdin=json.dumps(exported))
    first = min(bundle.ends, key=lambda name: bundle.ends[name])
    return [
        f"stack {stack} now has the secrets of {file}, encrypted and protected, for contract {place.contract}; "
        f"the first authority to expire is {first}'s, on {bundle.ends[first]:%Y-%m-%d}",
        f"See what an up would do: ./bedplate preview {stack}",
        f"Whoever has {file} controls all machines: keep it where you keep such keys, or delete it",
    ]


def _place(stack: str, platform: Platform) -> Place:
    # Generated functions of the plugin's SDK, without types.
    version: str = talos_sdk.get_version()  # type: ignore[no-untyped-call]  # see above
    source: str = talos_sdk.get_plugin_download_url()  # type: ignore[no-untyped-call]  # see above
    project = yaml.safe_load(Path("Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    short = stack.rsplit("/", 1)[-1]
    return Place(
        stack=short, project=project, contract=platform.talos.contract, version=str(version), source=str(source)
    )


def _same(before: Mapping[str, Any], material: Mapping[str, Any]) -> bool:
    # The plugin keeps a missing secret as an empty text, or not at all.
    bare = [{key: {k: v for k, v in part.items() if v} for key, part in of.items()} for of in (before, material)]
    return bare[0] == bare[1]


def _pulumi(verb: str, *options: str, stack: str, stdin: str | None = None) -> str:
    command = ["pulumi", "stack", verb, "--stack", stack, *options, "--non-interactive"]
    done = subprocess.run(command, input=stdin or "", capture_output=True, text=True, check=False)
    if done.returncode == STACK_NOT_FOUND:
        raise NoStack(f"stack {stack} does not exist yet")
    if done.returncode:
        raise NotImported(f"the stack's state could not be {verb}ed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
