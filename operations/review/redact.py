"""`python -m operations.review.redact STACK FILE --folder FOLDER`, which `./bedplate redact` starts.

It reads the real state and the real plan from its standard input, and writes the state without secrets. It gets neither
the passphrase nor the backend, and the plans that it makes see stand-ins alone.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.model import StackFileError
from core.printable import printable_lines
from runner import pipes

from . import published
from .files import prepared
from .redaction import Plan, Redaction, plan_of
from .stack import EngineError, ReviewStack

_TRUSTED = Path(__file__).resolve().parents[2]
# Each round settles what depends on the one before; the layers of a platform need two.
_ROUNDS = 6


class NotRedactedError(Exception):
    """The state can't be published. The text says why."""


def main(arguments: list[str]) -> int:
    """Write the file. Returns exit code 0, or 2 where it would contain a secret or another plan."""
    parser = argparse.ArgumentParser(prog="./bedplate redact")
    parser.add_argument("stack")
    parser.add_argument("file", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args(arguments)
    document = json.load(sys.stdin)
    try:
        files = prepared(given.stack, _TRUSTED, _TRUSTED, given.folder)
        stack = ReviewStack(given.stack, files, given.folder)
        stack.create(None)
        deployment = redacted(document["state"]["deployment"], plan_of(document["plan"]), stack)
    except StackFileError as error:
        print(f"redact: {error.report}", file=sys.stderr)
        return 2
    except (EngineError, NotRedactedError) as error:
        print(f"redact: {printable_lines(error)}", file=sys.stderr)
        return 2
    published.write(given.file, given.stack, deployment)
    print(f"{given.file}: the state of {given.stack} with a stand-in for every secret; its plan is the real one")
    return 0


def redacted(real: Mapping[str, Any], plan: Plan, stack: ReviewStack) -> dict[str, Any]:
    """The deployment without secrets, from which the stack has the real plan; its keys are those of an export.

    Raises NotRedactedError where a secret is left, or where the plan is another one.
    """
    redaction = Redaction(real)
    for _ in range(_ROUNDS):
        stack.replace(redaction.deployment)
        recorded = stack.recorded()
        if recorded.steps == plan.steps:
            break
        redaction.settle(plan, recorded)
    else:
        others = sorted(set(recorded.steps) ^ set(plan.steps))
        lines = [f"{step} {urn.rpartition('::')[2]}" for step, urn in others[:10]]
        if recorded.errors:
            raise NotRedactedError(f"without secrets, the plan fails: {recorded.errors[0]}")
        raise NotRedactedError(
            f"without secrets, the plan is another one: {', '.join(lines)}; a review of a pull request would mislead"
        )
    if leaks := list(redaction.leaks(recorded)):
        raise NotRedactedError(
            f"a secret is also a plain value, so it would be published: {', '.join(leaks[:5])}; nothing was written"
        )
    return redaction.deployment


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
