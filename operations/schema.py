"""`python -m operations.schema FILE`: write the JSON Schema of the stack files."""

import sys
from pathlib import Path

from core.model import schema
from runner import pipes


def main(arguments: list[str]) -> int:
    """Write the schema to a file, or print it. Returns exit code 0."""
    if arguments:
        Path(arguments[0]).write_text(schema.text(), encoding="utf-8")
    else:
        print(schema.text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
