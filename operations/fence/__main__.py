"""`python -m operations.fence STACK MACHINE --file FILE [--return] [--yes]`, which `./bedplate fence` starts."""

import argparse
import sys
from datetime import date
from pathlib import Path

from core.loading import stackfile
from core.model import StackFileError
from core.printable import printable_lines
from runner import pipes

from ..drift.export import ExportError, exported_resources
from .steps import fence, release
from .target import Refused, target


def main(arguments: list[str]) -> int:
    """Fence a machine, or return it. Yields exit code 0; 2 if it was refused, or could not be done to the end."""
    parser = argparse.ArgumentParser(prog="./bedplate fence")
    parser.add_argument("stack")
    parser.add_argument("machine")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--return", action="store_true", dest="back")
    parser.add_argument("--yes", action="store_true")
    given = parser.parse_args(arguments)
    try:
        platform = stackfile.load(given.file, root=Path.cwd(), today=date.today())
        machine = target(platform, exported_resources(given.stack), given.machine)
        (release if given.back else fence)(machine, given.yes, lambda text: _say(text, given.stack))
    except StackFileError as error:
        print(f"fence: {error.report}", file=sys.stderr)
        return 2
    except (ExportError, Refused) as error:
        print(f"fence: {_shown(str(error), given.stack)}", file=sys.stderr)
        return 2
    return 0


def _say(text: str, stack: str) -> None:
    # At once: the next step may take minutes.
    print(_shown(text, stack), flush=True)


def _shown(text: str, stack: str) -> str:
    return printable_lines(text.replace("fence STACK ", f"fence {stack} "))


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
