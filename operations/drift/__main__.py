"""`python -m operations.drift STACK [--json]`, which `./bedplate drift` starts."""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime

from core.printable import printable_lines
from runner import pipes

from .export import ExportError, exported_resources
from .machines import Inspection, NoMachines, certificates, declared, expiring, inspect
from .nodes import Nodes

DRIFTED = 7
# Machines that are read at the same time: a balance of the command's duration and the load on the network.
AT_ONCE = 16


def main(arguments: list[str]) -> int:
    """Print the differences. Yields the exit code: 0 if all is as declared, 7 if not, 2 if nothing was compared."""
    parser = argparse.ArgumentParser(prog="./bedplate drift")
    parser.add_argument("stack")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
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
        inspections = list(pool.map(lambda machine: inspect(machine, client, nodes), machines))
    if given.json:
        print(json.dumps([asdict(each) for each in inspections], indent=1))
    else:
        print(printable_lines(table(inspections)))
    return DRIFTED if expiries or any(each.drifted for each in inspections) else 0


def table(inspections: list[Inspection]) -> str:
    """The inspections for people: a line for each machine, and beneath it each difference: declared -> runs."""
    width = max(len(each.machine) for each in inspections)
    lines = []
    for each in inspections:
        lines.append(f"{each.machine:<{width}}  {each.address:<15}  {_summary(each)}")
        lines += [f"{'':<{width}}    {difference}" for difference in each.differences]
    if any(each.differences for each in inspections):
        lines.append(
            "Left: declared. Right: what runs. Apply what is declared: "
            "./bedplate up STACK --target-replace '**talos-NAME'"
        )
    return "\n".join(lines)


def _summary(inspection: Inspection) -> str:
    count = len(inspection.differences)
    if inspection.unread:
        return f"could not be read: {inspection.unread}"
    return f"{count} difference{'s' * (count != 1)}" if count else "as declared"


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
