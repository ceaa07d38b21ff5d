"""A machine behind its BMC, from the inputs of a resource: whether it boots, and whether it is the declared one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.facts import bmc
from core.facts.bmc import trust_fault
from core.facts.hardware import AS_DECLARED, SERIAL_NUMBER, SKU, SWAPPED, Serials, uuid_spelling
from core.native import InputError, Unknown, Values
from core.native.types import MOST, is_number
from provider import pairing
from provider.framework import UserError

from .access import Access


def own_errors(inputs: Values, before: Values | None) -> Iterator[InputError]:
    """Faults that the contract can't express: ca and fingerprint together, another BMC, a generation that goes back."""
    ca, fingerprint = inputs.get("ca"), inputs.get("fingerprint")
    if not isinstance(fingerprint, Unknown) and (message := trust_fault(ca, fingerprint)):
        yield InputError("fingerprint", message)
    accepted = inputs.get("accepted") or {}
    changed = {} if isinstance(accepted, Unknown) else bmc_changes(inputs, before)
    if message := bmc.unaccepted(changed, accepted):
        yield InputError(next(iter(changed)), message)
    now, was = inputs.get("generation"), (before or {}).get("generation")
    if is_number(now, 0, MOST) and is_number(was, 0, MOST) and now < was:
        yield InputError(
            "generation",
            f"goes from {was:.0f} back to {now:.0f}; the machine was installed for {was:.0f}, and that can't be "
            f"undone; write {was:.0f}, or {was + 1:.0f} to install it again",
        )


def bmc_changes(inputs: Values, before: Values | None) -> dict[str, tuple[str, str]]:
    """Each of url, ca and fingerprint that differs from the last update, to its old and its new value as texts."""
    if not before or "url" not in before or any(isinstance(inputs.get(field), Unknown) for field in bmc.PROVES):
        return {}
    return bmc.changes(before, inputs)


def boots(inputs: Values, state: Values | None) -> bool:
    """Whether the inputs permit another installation than the state records."""
    return bool(inputs["generation"] > (state or {}).get("generation", 0))


def order(inputs: Values) -> str:
    """Which boot is permitted, in words."""
    return f"from the network, once, {inputs['bootMode']}, for generation {inputs['generation']:.0f}"


def access(values: Values) -> Access:
    """How the machine's BMC is reached."""
    fields = {name: values.get(name) for name in ("url", "system", "username", "password", "ca", "fingerprint")}
    return Access(**{name: value for name, value in fields.items() if value is not None})


def recognized(inputs: Values, hardware: Any) -> dict[str, str]:
    """Each declared fact, such as uuid, to its spelling by the BMC. Raises UserError if it is other hardware."""
    matched = {}
    for fact, real in (("uuid", hardware.uuid), ("serial", _serials(hardware))):
        if not (declared := inputs.get(fact)):
            continue
        if not (spelling := spelled(fact, declared, hardware)):
            raise UserError(
                f"{inputs['system']} of {inputs['url']} has the {fact} {real or '(none)'}, and {declared} is declared; "
                "another machine would be erased; correct bmc.url and bmc.system, or the declared hardware"
            )
        matched[fact] = spelling
    return matched


def spelled(fact: str, declared: str, hardware: Any) -> str | None:
    """How the BMC spells a declared uuid or serial; None if it reports another one."""
    if fact == "uuid":
        return uuid_spelling(declared, hardware.uuid)
    return Serials(hardware.serial.strip(), hardware.sku).spelling(declared)


def is_same(before: Values, hardware: Any) -> bool:
    """Whether the hardware is that of an earlier update: the UUID, and the serial too if its byte order changed.

    before: uuid, serial and macs, as the BMC reported them then.
    """
    spelling = uuid_spelling(before["uuid"], hardware.uuid)
    return spelling == AS_DECLARED or (spelling == SWAPPED and pairing.proven("uuid", before, shown(hardware)))


def require_same_pairing(
    inputs: Values, state: Values | None, hardware: Any, matched: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Report a declared fact that the BMC spells in another way than before. Raises UserError if nothing proves it."""
    who = f"{inputs['system']} of {inputs['url']}"
    pairing.require_same(
        who, pairing.recorded(state, None, "identity"), pairing.Pairing(inputs, shown(hardware), matched), say
    )


def _serials(hardware: Any) -> str:
    return f"{hardware.serial or '(none)'} and the SKU {hardware.sku}" if hardware.sku else str(hardware.serial)


def described(hardware: Any, matched: Mapping[str, str]) -> str:
    """The hardware's identity in words, and how it spells what is declared."""
    text = f"the uuid {hardware.uuid or '(none)'} and the serial number {_serials(hardware) or '(none)'}"
    reported = spellings(matched)
    return f"{text} ({reported})" if reported else text


def spellings(matched: Mapping[str, str]) -> str:
    """How a BMC spells what is declared, in words; empty if nothing is declared or known."""
    return ", ".join(
        f"the declared {fact} is {'its' if spelling in (SERIAL_NUMBER, SKU) else 'reported'} {spelling}"
        for fact, spelling in matched.items()
    )


def shown(hardware: Any) -> Values:
    """The hardware's identity for the state: uuid, serial, macs, and sku if the BMC reports a second serial number."""
    sku = {"sku": hardware.sku} if hardware.sku else {}
    return {"uuid": hardware.uuid, "serial": hardware.serial, "macs": list(hardware.macs), **sku}
