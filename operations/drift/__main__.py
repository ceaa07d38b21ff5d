"""`python -m operations.drift STACK [--file FILE] [--json]`, which `./bedplate drift` starts."""

import argparse
import json
import sys
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

from core.loading import stackfile
from core.model import Platform, StackFileError
from core.printable import printable_lines
from runner import pipes

from .compared import Wanted
from .export import ExportError, exported_resources
from .machines import Inspection, NoMachines, certificates, declared, expiring, inspect
from .nodes import Nodes
from .origins import lines, renamed
from .spans import spans
from .summary import NAME_CHARACTERS

DRIFTED = 7
# Machines that are read at the same time: a balance of the command's duration and the load on the network.
AT_ONCE = 16


def main(arguments: list[str]) -> int:
    """Print the differences. Yields the exit code: 0 if all is as declared, 7 if not, 2 if that is not certain."""
    parser = argparse.ArgumentParser(prog="./bedplate drift")
    parser.add_argument("stack")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--file", type=Path, help="the stack file, whose faults are reported too")
    given = parser.parse_args(arguments)
    platform, faulty = _stack_file(given.file) if given.file else (None, False)
    wanted = Wanted(platform)
    try:
        resources = exported_resources(given.stack)
        machines, client = declared(resources)
    except ExportError as error:
        print(f"drift: {error}", file=sys.stderr)
        return 2
    except NoMachines as error:
        print(
            f"drift: stack {given.stack}: {error}; create the platform first: ./bedplate up {given.stack}",
            file=sys.stderr,
        )
        return 2
    expiries = expiring(certificates(resources), datetime.now(UTC))
    for message in expiries:
        print(f"drift: {message.replace('STACK', given.stack)}", file=sys.stderr)
    nodes = Nodes.of(resources)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        inspections = list(pool.map(lambda machine: inspect(machine, client, nodes, wanted), machines))
    if platform:
        named = lines(wanted.places, given.file)
        for each in inspections:
            each.differences = renamed(each.differences, named)
    if given.json:
        print(json.dumps([asdict(each) for each in inspections], indent=1))
    else:
        print(printable_lines(table(inspections)))
    if faulty:
        return 2
    return DRIFTED if expiries or any(each.drifted for each in inspections) else 0


def _stack_file(file: Path) -> tuple[Platform | None, bool]:
    """The platform of the stack file, and whether the file has faults, which are printed.

    The machines are compared with the state all the same: a half-written file must not hide what they run.
    """
    try:
        return stackfile.load(file, root=Path.cwd(), today=date.today()), False
    except StackFileError as error:
        print(f"drift: {error.report}", file=sys.stderr)
        return None, True


def table(inspections: list[Inspection]) -> str:
    """The inspections for people: a line for the machines with the same one, and beneath it each difference.

    A difference is what is declared -> what runs.
    """
    groups: dict[Hashable, list[Inspection]] = {}
    for each in inspections:
        groups.setdefault((_summary(each), *each.differences), []).append(each)
    rows = [(spans(each.machine for each in group), _address(group), group[0]) for group in groups.values()]
    width = min(NAME_CHARACTERS, max(len(names) for names, _, _ in rows))
    address = max(15, *(len(where) for _, where, _ in rows))
    lines = []
    for names, where, each in rows:
        lines.append(f"{names:<{width}}  {where:<{address}}  {_summary(each)}")
        lines += [f"{'':<{width}}    {difference}" for difference in each.differences]
    if any(each.differences for each in inspections):
        lines.append(
            "Left: declared. Right: what runs. Apply what is declared: "
            "./bedplate up STACK --target-replace '**talos-NAME'"
        )
    return "\n".join(lines)


def _address(group: list[Inspection]) -> str:
    return group[0].address if len(group) == 1 else f"{len(group)} machines"


def _summary(inspection: Inspection) -> str:
    count = len(inspection.differences)
    if inspection.unread:
        return f"could not be read: {inspection.unread}"
    alike = len(inspection.without_effect)
    aside = f" ({alike} value{'s' * (alike != 1)} written in another way, without effect)" if alike else ""
    return (f"{count} difference{'s' * (count != 1)}" if count else "as declared") + aside


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
