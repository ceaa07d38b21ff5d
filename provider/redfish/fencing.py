"""A machine that must be off before its work starts elsewhere: switched off by its BMC, and read as off twice."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import sleep
from typing import Any

from provider.framework import UserError

from .machine import access, is_same, recognized
from .system import System

# For the whole of it: some BMCs take a minute to switch a machine off.
OFF_SECONDS = 120.0
# Between the two readings: longer than a BMC reports Off in the middle of a restart.
CONFIRM_SECONDS = 5.0

Say = Callable[[str], None]


class NotOff(Exception):
    """The machine is not known to be off: one printable line that says why."""


def read(values: Mapping[str, Any], say: Say) -> str:
    """The machine's power state, as its BMC reports it.

    values: the outputs of its Power in the state. Raises NotOff if it can't be read, or is another machine's.
    """
    with _system(values, say) as system:
        return system.power()


def switch_off(values: Mapping[str, Any], say: Say) -> None:
    """Switch the machine off without a shutdown; it is off when two readings, some seconds apart, say so.

    values: the outputs of its Power in the state. Raises NotOff in every other case.
    """
    with _system(values, say) as system:
        system.off()
        sleep(CONFIRM_SECONDS)
        if (power := system.power()) != "Off":
            raise NotOff(f"its BMC reported Off, and {power} {CONFIRM_SECONDS:.0f} s later")


@contextmanager
def _system(values: Mapping[str, Any], say: Say) -> Iterator[System]:
    """The machine behind its BMC, if it is the one of the last update. Raises NotOff."""
    try:
        system = System(access(dict(values)), OFF_SECONDS, say)
        try:
            _require_recorded(system, values)
            yield system
        finally:
            system.close()
    except UserError as error:
        # What follows the fact is what to do after `up` has failed.
        raise NotOff(str(error).partition("; ")[0]) from None


def _require_recorded(system: System, values: Mapping[str, Any]) -> None:
    """Another machine behind this BMC is not switched off. Raises NotOff and UserError."""
    hardware, before = system.identity(), values.get("identity") or {}
    recognized(dict(values), hardware)
    if before.get("uuid") and not is_same(before, hardware):
        raise NotOff(
            f"{values['system']} of {values['url']} has the uuid {hardware.uuid or '(none)'}, and it was "
            f"{before['uuid']} at the last up"
        )
