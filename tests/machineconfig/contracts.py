"""A platform in another contract than the Talos plugin can generate the rest of."""

from typing import Any

from core.model import Platform, parse


def at(contract: str, raw: dict[str, Any] | Platform) -> Platform:
    platform = raw if isinstance(raw, Platform) else parse(raw)
    return platform.model_copy(update={"talos": platform.talos.model_copy(update={"contract": contract})})
