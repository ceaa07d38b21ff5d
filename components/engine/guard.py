"""How functions of the SDK are replaced, and whether they are the ones that a replacement was written for."""

import hashlib
import inspect
from collections.abc import Callable
from typing import Any


def is_source(function: Callable[..., Any], sha256: str) -> bool:
    """Whether the source of a function has this SHA-256 digest (hexadecimal). A function without source has none."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return False
    return hashlib.sha256(source.encode()).hexdigest() == sha256


def replace(owner: object, name: str, replacement: object) -> None:
    """Replace an attribute of a module or a class of the SDK."""
    setattr(owner, name, replacement)
