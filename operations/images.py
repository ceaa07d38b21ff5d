"""`python -m operations.images FILE [--json]`, which `./bedplate images` starts: every image that a stack pulls.

From the stack file alone, without engine, state and network, so that a mirror can be filled before the first machine.
"""

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from core.images import Listing, listed
from core.loading import stackfile
from core.model import StackFileError
from runner import pipes


def main(arguments: list[str]) -> int:
    """Print the images of a stack file. Yields exit code 0; 2 where the stack file has faults."""
    parser = argparse.ArgumentParser(prog="./bedplate images")
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    try:
        platform = stackfile.load(given.file, root=Path.cwd(), today=date.today())
    except StackFileError as error:
        print(f"images: {error.report}", file=sys.stderr)
        return 2
    found = listed(platform)
    print(as_json(found) if given.json else "\n".join(lines(found)))
    if not given.json:
        for line in found.unknown:
            print(f"images: {line}", file=sys.stderr)
    return 0


def lines(found: Listing) -> list[str]:
    """A line for each image: its reference, a tab, and what needs it."""
    return [f"{image.reference}\t{', '.join(image.by)}" for image in found.images]


def as_json(found: Listing) -> str:
    """The same for programs: images, each with image, digest (null where unknown) and by; and what is unknown."""
    images = [{"image": each.reference, "digest": each.digest, "by": list(each.by)} for each in found.images]
    return json.dumps({"images": images, "unknown": list(found.unknown)}, indent=2)


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
