"""Whether a machine that reports its identity in another spelling than before is the same machine. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.facts.hardware import PLACEHOLDER_SERIALS, PLACEHOLDER_UUIDS, swapped, uuid_key
from core.native import Values
from provider.framework import UserError

# Interfaces without an address of their own report these.
_NO_MACS = {"", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}


@dataclass(frozen=True)
class Pairing:
    """What is declared of a machine, what was reported of it, and how the second spells the first."""

    declared: Mapping[str, Any]
    """uuid, serial: as the stack file has them."""
    reported: Mapping[str, Any]
    """uuid, serial, macs, and at a BMC sku."""
    matched: Mapping[str, str]
    """Each declared fact to the spelling in which it is reported."""


def recorded(state: Values | None, declared: str | None, reported: str) -> Pairing:
    """The pairing of the last update. declared, reported: the keys in the state; None for the inputs themselves."""
    known = state or {}
    return Pairing(
        (known if declared is None else known.get(declared)) or {}, known.get(reported) or {}, matched(known)
    )


def matched(state: Values | None) -> Mapping[str, str]:
    """Each declared fact to its spelling, as the state records it; empty if an earlier release wrote it."""
    return (state or {}).get("matched") or {}


def require_same(who: str, before: Pairing, now: Pairing, say: Callable[[str], None]) -> None:
    """Report each fact that is reported in another spelling than before, if the machine is proven to be the same.

    Raises UserError if nothing else proves it: another machine may have the declared value in that spelling.
    """
    for fact, spelling in now.matched.items():
        was = before.matched.get(fact)
        if not was or was == spelling or before.declared.get(fact) != now.declared.get(fact):
            continue
        if not proven(fact, before.reported, now.reported):
            raise UserError(
                f"{who} reports its {fact} {spelling}, and {was} in an earlier update; nothing else proves that it is "
                "the same machine, and another one would be erased; look at the machine, and if it is the same, write "
                f"{fact}: {_other(fact, now)}"
            )
        say(f"reports its {fact} {spelling}, and {was} in an earlier update; its other identities are the same")


def proven(fact: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether something else than this fact says that it is the same machine."""
    if (set(before.get("macs") or ()) & set(now.get("macs") or ())) - _NO_MACS:
        return True
    other, key = ("serial", str.strip) if fact == "uuid" else ("uuid", uuid_key)
    was, known = str(before.get(other) or ""), str(now.get(other) or "")
    placeholder = was.strip().lower() in (*PLACEHOLDER_SERIALS, *PLACEHOLDER_UUIDS, "")
    return not placeholder and key(was) == key(known)


def _other(fact: str, pairing: Pairing) -> str:
    """The declared value in its other spelling: a new declaration is learned again."""
    declared = str(pairing.declared.get(fact))
    if fact == "uuid":
        return swapped(declared)
    reported = (str(pairing.reported.get(name) or "").strip() for name in ("serial", "sku"))
    return next((each for each in reported if each and each != declared.strip()), declared)
