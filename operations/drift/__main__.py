"""`python -m drift STACK [--json]`: started by `./bedplate drift`, in the engine's environment."""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime

from runner import pipes

from .machines import Found, NotMade, certificates, declared, ending, look

DRIFTED = 7
# Machines asked at once: many for an answer soon, few enough for the network.
AT_ONCE = 16


def main(arguments: list[str]) -> int:
    """0: every machine runs what was declared; 7: one does not, or could not be asked."""
    parser = argparse.ArgumentParser(prog="./bedplate drift")
    parser.add_argument("stack")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    exported = subprocess.run(
        ["pulumi", "stack", "export", "--stack", given.stack, "--show-secrets"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if exported.returncode:
        print(f"drift: {exported.stderr.strip()}", file=sys.stderr)
        return 2
    resources = json.loads(exported.stdout)["deployment"].get("resources", [])
    try:
        machines, client = declared(resources)
    except NotMade as error:
        print(
            f"drift: stack {given.stack}: {error}; make the platform first: ./bedplate up {given.stack}",
            file=sys.stderr,
        )
        return 2
    said = ending(certificates(resources), datetime.now(UTC))
    for line in said:
        print(f"drift: {line.replace('STACK', given.stack)}", file=sys.stderr)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda machine: look(machine, client), machines))
    print(json.dumps([asdict(one) for one in found], indent=1) if given.json else table(found))
    return DRIFTED if said or any(one.drifted for one in found) else 0


def table(found: list[Found]) -> str:
    """What a person reads: a line a machine, and beneath it what differs: declared -> runs."""
    width = max(len(one.machine) for one in found)
    lines = []
    for one in found:
        count = len(one.differences)
        state = (
            f"could not be read: {one.unread}"
            if one.unread
            else f"{count} difference{'s' * (count != 1)}"
            if count
            else "as declared"
        )
        lines.append(f"{one.machine:<{width}}  {one.address:<15}  {state}")
        lines += [f"{'':<{width}}    {each}" for each in one.differences]
    if any(one.differences for one in found):
        lines.append(
            "Left: declared. Right: what runs. Put a machine right: ./bedplate up STACK --target-replace '**talos-NAME'"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
