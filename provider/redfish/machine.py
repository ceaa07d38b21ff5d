"""A machine behind its BMC, as the inputs of a resource: what is wrong with them, and whether it is the declared one."""

import uuid
from typing import Any

from provider.framework import InputError, Unknown, UserError, Values
from provider.identity import same_uuid

from .access import MODES, Access, digits, is_authority, wrong_url

# Who we are there: encrypted in the state.
SECRETS = frozenset({"username", "password"})
# How it is done and not what: another pace or patience is no reason to ask a BMC.
IGNORED_IN_DIFF = frozenset({"atOnce", "secondsBetween", "timeoutSeconds"})


def wrong(inputs: Values, before: Values | None) -> list[InputError]:
    """Every input that can't be used, with why."""
    found = [InputError(name, reason) for name, reason in _faults(inputs) if not isinstance(inputs.get(name), Unknown)]
    now, was = inputs.get("generation"), (before or {}).get("generation")
    if now is not None and was is not None and _whole(now) and _whole(was) and now < was:
        found.append(
            InputError(
                "generation",
                f"goes from {was:.0f} back to {now:.0f}; the machine was installed for {was:.0f}, and that can't be "
                f"undone; write {was:.0f}, or {was + 1:.0f} to install it again",
            )
        )
    return found


def boots(inputs: Values, state: Values | None) -> bool:
    """Whether this permits an installation that was not made."""
    return bool(inputs["generation"] > (state or {}).get("generation", 0))


def order(inputs: Values) -> str:
    """Which boot is permitted, in words."""
    return f"from the network, once, {inputs['bootMode']}, for generation {inputs['generation']:.0f}"


def access(values: Values) -> Access:
    """How its BMC is reached."""
    wanted = {k: values.get(k) for k in ("url", "system", "username", "password", "ca", "fingerprint")}
    return Access(**{k: v for k, v in wanted.items() if v is not None})


def is_declared(inputs: Values, found: Any) -> None:
    """Raises UserError where the hardware is another than the stack file says."""
    for name, same in (("uuid", same_uuid), ("serial", lambda a, b: a.strip() == b)):
        declared, real = inputs.get(name), getattr(found, name)
        if declared and not same(declared, real):
            raise UserError(
                f"{inputs['system']} of {inputs['url']} has the {name} {real or '(none)'}, and {declared} is declared; "
                "another machine would be erased; correct bmc.url and bmc.system, or the declared hardware"
            )


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


def _whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)


def _faults(given: Values) -> list[tuple[str, str]]:
    found = []
    if why := wrong_url(given.get("url")):
        found.append(("url", why))
    if not _text(given.get("system")):
        found.append(
            ("system", "names no system; one BMC may have several; write its Redfish id, e.g. 1 or System.Embedded.1")
        )
    for name in ("username", "password"):
        if not _text(given.get(name)):
            found.append((name, "is missing; a BMC lets in nobody without; set the stack's secret bedplate:bmc"))
    ca, fingerprint = given.get("ca"), given.get("fingerprint")
    if ca is not None and fingerprint is not None:
        found.append(
            (
                "fingerprint",
                "stands beside a ca; a pinned certificate is trusted whoever signed it; write one of the two",
            )
        )
    if ca is not None and not is_authority(ca):
        found.append(
            (
                "ca",
                "is not a PEM certificate; the BMC's own is checked with it; write -----BEGIN CERTIFICATE----- and what follows",
            )
        )
    if fingerprint is not None and digits(fingerprint) is None:
        found.append(
            (
                "fingerprint",
                "is not a SHA-256 fingerprint; the BMC's certificate is compared with it; write its 64 hexadecimal digits",
            )
        )
    if given.get("uuid") is not None and not _is_uuid(given["uuid"]):
        found.append(("uuid", "is not a UUID; the machine is identified by it; write it as its BMC tells it"))
    if given.get("serial") is not None and not _text(given["serial"]):
        found.append(
            ("serial", "is not a serial number; the machine is identified by it; write it as its BMC tells it")
        )
    if not _whole(given.get("generation")) or not 0 <= given["generation"] <= 1_000_000:
        found.append(
            (
                "generation",
                "is not a whole number from 0; each one permits one installation; write e.g. 1, or 0 for none",
            )
        )
    if given.get("bootMode") not in MODES:
        found.append(
            (
                "bootMode",
                f"is not one of {', '.join(MODES)}; the firmware starts nothing made for the other; write e.g. uefi",
            )
        )
    if not _number(given.get("timeoutSeconds"), 1, 3600):
        found.append(("timeoutSeconds", "is not between 1 and 3600; the wait must end; write e.g. 600"))
    if not _whole(given.get("atOnce")) or given["atOnce"] < 1:
        found.append(("atOnce", "is not a whole number from 1; so many machines are switched on at once; write e.g. 5"))
    if not _number(given.get("secondsBetween"), 0, 300):
        found.append(
            ("secondsBetween", "is not between 0 and 300; machines are switched on so far apart; write e.g. 1")
        )
    return found


def _is_uuid(value: Any) -> bool:
    try:
        return bool(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        return False
