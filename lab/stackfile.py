"""The platform of a committed stack file, as plain data."""

from pathlib import Path
from typing import Any

import yaml

from core.model import classes, included


def committed(stack: str, checkout: Path) -> dict[str, Any]:
    """The platform as the program reads it, field to value: with its included files and its machines' classes."""
    document = yaml.safe_load((checkout / f"Pulumi.{stack}.yaml").read_text())
    platform: dict[str, Any] = dict(included(document["config"]["bedplate:platform"], checkout))
    classes.resolve(platform)
    for resolved in ("include", "classes"):
        platform.pop(resolved, None)
    for machine in platform["machines"].values():
        machine.pop("class", None)
    return platform
