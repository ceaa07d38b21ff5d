"""`python -m operations.review STACK --folder FOLDER`, which `./bedplate review` starts.

It shows the plan of a stack file without any secret: in a stack of its own, with the program of this checkout.
"""

import argparse
import sys
from pathlib import Path

from core.model import StackFileError
from core.printable import printable_lines
from runner import pipes

from . import published
from .files import prepared
from .stack import EngineError, ReviewStack

# The checkout that this module is part of.
_TRUSTED = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Show the plan. Returns the engine's exit code, or 2 where the plan can't be made."""
    parser = argparse.ArgumentParser(prog="./bedplate review")
    parser.add_argument("stack")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--from", dest="given", type=Path, default=_TRUSTED)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--diff", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    try:
        state = published.read(given.state, given.stack) if given.state else None
        files = prepared(given.stack, _TRUSTED, given.given, given.folder)
        stack = ReviewStack(given.stack, files, given.folder)
        stack.create(state)
    except StackFileError as error:
        print(f"review: {error.report}", file=sys.stderr)
        return 2
    except (EngineError, published.NotReadableError) as error:
        print(f"review: {printable_lines(error)}", file=sys.stderr)
        return 2
    options = [option for option in ("--diff", "--json") if getattr(given, option.removeprefix("--"))]
    return stack.shown("--policy-pack", str(_TRUSTED / "policy" / "pack"), *options)


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
