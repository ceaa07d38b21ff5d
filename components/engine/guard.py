"""How functions of the SDK are replaced, and whether they are the ones that a replacement was written for."""

import hashlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any


def is_source(code: Callable[..., Any] | ModuleType, sha256: str) -> bool:
    """Whether the source of a function or module has this SHA-256 digest (hexadecimal); False where there is none."""
    try:
        source = inspect.getsource(code)
    except (OSError, TypeError):
        return False
    return hashlib.sha256(source.encode()).hexdigest() == sha256


def replace(owner: object, name: str, replacement: object) -> None:
    """Replace an attribute of a module or a class of the SDK."""
    setattr(owner, name, replacement)
