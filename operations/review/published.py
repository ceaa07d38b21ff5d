"""The file with a state without secrets: `./bedplate redact` writes it, `./bedplate review` reads it."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VERSION = 1


class NotReadableError(Exception):
    """The file is not a state without secrets of that stack. The text says why, in one line."""


def write(file: Path, stack: str, deployment: Mapping[str, Any]) -> None:
    """Write the file. It is complete before it has its name."""
    handle, fresh = tempfile.mkstemp(dir=file.parent)
    with open(handle, "w", encoding="utf-8") as stream:
        json.dump({"version": VERSION, "stack": stack, "deployment": deployment}, stream, indent=1)
    os.replace(fresh, file)


def read(file: Path, stack: str) -> Mapping[str, Any]:
    """The deployment in a file, with the keys of the engine's export: manifest, resources. Raises NotReadableError."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise NotReadableError(f"{file} can't be read: {why}; write it with ./bedplate redact {stack} FILE") from None
    whole = isinstance(document, dict) and isinstance(document.get("deployment"), dict)
    if not whole or document.get("version") != VERSION:
        raise NotReadableError(f"{file} is not what ./bedplate redact writes; write it again with this release")
    if document.get("stack") != stack:
        raise NotReadableError(f"{file} is the state of {document.get('stack')!r}; name the state of {stack}")
    deployment: Mapping[str, Any] = document["deployment"]
    return deployment
