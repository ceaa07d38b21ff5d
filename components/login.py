"""A login of the encrypted config as Pulumi's secrets."""

from collections.abc import Mapping
from typing import Any

import pulumi

LOGIN = ("username", "password")
"""The parts of a login."""


def login_of(given: Mapping[str, Any]) -> dict[str, pulumi.Output[str]]:
    """The parts of a login by their names, as secrets; a part that is not given is unknown."""
    # Converted to text, because YAML reads a password of digits as a number.
    return {part: pulumi.Output.secret(str(given[part])) if given.get(part) else unknown() for part in LOGIN}


def unknown() -> pulumi.Output[str]:
    """A secret that is not known in a plan."""

    async def later(value: Any) -> Any:
        return value

    return pulumi.Output(set(), later(""), later(False), later(True))
