"""`python -m operations.schema FILE`: write the JSON Schema of the stack files."""

import sys
from pathlib import Path

from core.model import schema
from runner import pipes


def main(arguments: list[str]) -> int:
    """Write the schema to a file, or print it. Returns exit code 0, or 1 where the file can't be written."""
    if arguments:
        try:
            Path(arguments[0]).write_text(schema.text(), encoding="utf-8")
        except OSError as error:
            print(f"schema: {arguments[0]!r} can't be written: {error.strerror}; name another file", file=sys.stderr)
            return 1
    else:
        print(schema.text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
