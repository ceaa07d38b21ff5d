"""A machine behind a BMC, for tests: what the program gives for it, what the engine has its resources do, its boots."""

import asyncio
from collections.abc import Callable
from typing import Any

from core.native import Values
from provider.resources import RESOURCES
from tests.bmcs import PASSWORD, USER, Bmc

POWER = RESOURCES["bedplate-native:metal:Power"]
PERMIT = RESOURCES["bedplate-native:metal:Permit"]
JOURNAL = RESOURCES["bedplate-native:metal:Journal"]


def inputs_of(bmc: Any, identity: str, **changes: Any) -> Values:
    """The inputs of a permit or a power, with the first boot permitted; a change to None leaves an input out.

    identity: the last part of the path of the system.
    """
    made = {
        "url": bmc.url,
        "system": identity,
        "username": USER,
        "password": PASSWORD,
        "ca": bmc.pki.ca,
        "generation": 1.0,
        "bootMode": "uefi",
        "timeoutSeconds": 20.0,
        "atOnce": 5.0,
        "secondsBetween": 0.0,
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def acts(bmc: Bmc, given: Values) -> list[str]:
    """What was done to the machine of these inputs: its halts, and its boots with what they were from."""
    return bmc.acts(f"node-{int(given['system'][-2:])}")


def permit(given: Values, state: Values | None = None, said: list[str] | None = None) -> Values:
    return asyncio.run(PERMIT.update("id", state or {}, given, _into(said)))


def switch_on(given: Values, state: Values | None = None, said: list[str] | None = None) -> Values:
    return asyncio.run(POWER.update("id", state or {}, given, _into(said)))


def _into(said: list[str] | None) -> Callable[[str], None]:
    return (said if said is not None else []).append
