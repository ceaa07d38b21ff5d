"""`python -m adopt STACK BUNDLE CONFIG`: started by `./bedplate import`, in the engine's environment."""

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

from core.model import Platform, StackFileError, stackfile

from .bundle import Bundle, Faulty, read
from .client import signed
from .state import Occupied, Place, held, put

# As the engine itself ends: the runner makes the stack then.
STACK_NOT_FOUND = 6


class Unfit(Exception):
    """Why nothing was imported, in full."""

    code = 2


class Absent(Unfit):
    """There is no such stack yet."""

    code = STACK_NOT_FOUND


def main(arguments: list[str]) -> int:
    """0: the stack has the secrets of the file; 6: there is no stack yet; 2: why not, and nothing was changed."""
    parser = argparse.ArgumentParser(prog="./bedplate import")
    parser.add_argument("stack")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("config", type=Path, help="the stack's file")
    given = parser.parse_args(arguments)
    try:
        platform = _platform(given.config)
        # First what is wrong with the file, and only then the stack: both are said without the other.
        bundle = _bundle(given.bundle)
        _unharmed(platform)
        for line in _import(given.stack, platform, bundle, given.bundle):
            print(line)
    except Unfit as unfit:
        print(f"import: {unfit}", file=sys.stderr)
        return unfit.code
    return 0


def _platform(file: Path) -> Platform:
    try:
        return stackfile.load(file, root=Path.cwd(), today=date.today())
    except StackFileError as error:
        raise Unfit(f"{error.report}\nnothing was imported: the file must describe the running cluster") from None


def _bundle(file: Path) -> Bundle:
    try:
        with file.open(encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise Unfit(
                    f"{file} can be read by others; it is as good as the keys to all machines; type: chmod 600 {file}"
                )
            return read(opened.read(), datetime.now(UTC))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise Unfit(f"{file} can't be read ({why}); name the file that talosctl gen secrets wrote") from None
    except Faulty as faulty:
        count = len(faulty.faults)
        lines = "\n".join(f"  {fault}" for fault in faulty.faults)
        raise Unfit(f"{file} has {count} fault{'s' if count > 1 else ''}, and nothing was imported\n{lines}") from None


def _unharmed(platform: Platform) -> None:
    """A cluster that runs would be cut off, machine by machine, by the permit that a new machine has."""
    boots = [name for name, machine in platform.machines.items() if machine.bmc and machine.install.generation]
    if boots:
        lines = "\n".join(
            f"  platform.machines.{name}.install.generation: is {platform.machines[name].install.generation}; write 0"
            for name in boots
        )
        raise Unfit(
            f"the next up would switch machines off that run, and boot them from the network to install them; nothing was imported\n{lines}"
        )


def _import(stack: str, platform: Platform, bundle: Bundle, file: Path) -> list[str]:
    exported = json.loads(_pulumi("export", "--show-secrets", stack=stack))
    project = yaml.safe_load(Path("Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    place = Place(
        stack=stack.rsplit("/", 1)[-1], project=project, contract=platform.talos.contract,
        version=str(talos_sdk.get_version()), source=str(talos_sdk.get_plugin_download_url()),
    )  # fmt: skip
    before = held(exported["deployment"])
    if before is not None and _same(before, bundle.material):
        return [f"stack {stack} has these secrets already; nothing was changed"]
    client = signed(bundle.material["certs"]["os"], datetime.now(UTC))
    try:
        exported["deployment"] = put(exported["deployment"], place, bundle.material, client)
    except Occupied:
        raise Unfit(
            f"stack {stack} has secrets of its own, and machines that have them would be locked out by others; nothing was imported; "
            "import into a stack that has made no machine yet"
        ) from None
    # Over a pipe: neither a file nor a command line ever has them.
    _pulumi("import", stack=stack, stdin=json.dumps(exported))
    first = min(bundle.ends, key=lambda name: bundle.ends[name])
    return [
        f"stack {stack} has the secrets of {file} now, encrypted and protected, for contract {place.contract}; the first authority to end is "
        f"{first}'s, on {bundle.ends[first]:%Y-%m-%d}",
        f"Look at what an up would do: ./bedplate preview {stack}",
        f"{file} is as good as the keys to all machines: keep it where you keep those, or delete it",
    ]


def _same(before: Mapping[str, Any], material: Mapping[str, Any]) -> bool:
    # What the plugin has none of, it holds as an empty text or not at all.
    bare = [{key: {k: v for k, v in part.items() if v} for key, part in of.items()} for of in (before, material)]
    return bare[0] == bare[1]


def _pulumi(verb: str, *options: str, stack: str, stdin: str | None = None) -> str:
    command = ["pulumi", "stack", verb, "--stack", stack, *options, "--non-interactive"]
    done = subprocess.run(command, input=stdin or "", capture_output=True, text=True)
    if done.returncode == STACK_NOT_FOUND:
        raise Absent(f"there is no stack {stack} yet")
    if done.returncode:
        raise Unfit(f"the stack's state could not be {verb}ed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
