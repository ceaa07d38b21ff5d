"""A platform with a contract that the Talos plugin can't generate a base for."""

from typing import Any

from core.model import Platform, parse


def at(contract: str, raw: dict[str, Any] | Platform) -> Platform:
    """The platform of a raw config, or a platform, with another contract. Raises StackFileError."""
    platform = raw if isinstance(raw, Platform) else parse(raw)
    return platform.model_copy(update={"talos": platform.talos.model_copy(update={"contract": contract})})
