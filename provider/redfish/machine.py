"""A machine behind its BMC, from the inputs of a resource: whether it boots, and whether it is the declared one."""

from collections.abc import Iterator
from typing import Any

from core.facts import bmc
from core.facts.bmc import trust_fault
from core.native import InputError, Unknown, Values
from core.native.types import MOST, is_number
from provider.framework import UserError
from provider.identity import same_uuid

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


def is_declared(inputs: Values, hardware: Any) -> None:
    """Return if the hardware is what the stack file declares. Raises UserError if it is not."""
    for fact, same in (("uuid", same_uuid), ("serial", lambda one, other: one.strip() == other)):
        declared, real = inputs.get(fact), getattr(hardware, fact)
        if declared and not same(declared, real):
            raise UserError(
                f"{inputs['system']} of {inputs['url']} has the {fact} {real or '(none)'}, and {declared} is declared; "
                "another machine would be erased; correct bmc.url and bmc.system, or the declared hardware"
            )
