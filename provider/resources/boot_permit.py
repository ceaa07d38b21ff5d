"""The permit for one installation: a machine that is off, and whose next boot is from the network."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.native import InputError, Values
from core.native.metal import BOOT_PERMIT
from provider.framework import UserError, in_thread
from provider.pace import PACE, PREPARE
from provider.progress import Progress
from provider.redfish import machine
from provider.resource import Resource

if TYPE_CHECKING:
    from provider.redfish.system import Identity, System


class BootPermit(Resource):
    """Given once for each generation, and recorded in the state before the machine is switched on.

    This order prevents a second installation: giving a permit boots nothing, so a run after a killed one may give it
    again. Once it is in the state it is not given again, and the BMC forgets it with the boot that it was for. If it
    fails, the order is withdrawn, or the message says what the BMC is armed to do.
    """

    contract = BOOT_PERMIT

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """What the contract can't express of a machine behind a BMC."""
        return machine.own_errors(inputs, before)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """That the machine is switched off, if the permit is new."""
        if not isinstance(inputs.get("generation"), int | float) or not machine.boots(inputs, state):
            return None
        known = machine.spellings((state or {}).get("matched") or {})
        return (
            f"is switched off without a shutdown, which ends what runs on it; its next boot is {machine.order(inputs)}"
            + (f"; at its BMC {known}" if known else "")
        )

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Give the permit. Returns the BMC's address with the system, and the outputs by name."""
        return f"{inputs['url']} {inputs['system']}", await self.update("", {}, inputs, say)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Give the permit if the generation is higher. Returns the outputs by name."""
        # A fact whose declaration changed has no spelling until a BMC reports it.
        matched = {k: v for k, v in (state.get("matched") or {}).items() if state.get(k) == inputs.get(k)}
        reported: Values = {"identity": state.get("identity") or {}, "matched": matched}
        if machine.boots(inputs, state):
            reported = await in_thread(_give, inputs, state, say)
        return {**inputs, **reported}


def _give(inputs: Values, state: Values, say: Progress) -> Values:
    """Give the permit: the outputs identity and matched. Raises UserError, with the order withdrawn or named."""
    # Imported here: sushy takes long to load, and a plan queries no BMC.
    from provider.redfish.system import System

    with PACE.turn(PREPARE, int(inputs["atOnce"]), say):
        system = System(machine.access(inputs), float(inputs["timeoutSeconds"]), say)
        try:
            hardware = system.identity()
            matched = _recognize(system, inputs, state, hardware, say)
            # Said before the order is sent: a run that is killed from here on may leave it.
            say(
                f"{inputs['system']} has {machine.described(hardware, matched)}; its next boot is "
                f"{machine.order(inputs)}"
            )
            _order(system, inputs, say)
            HERE.add(_key(inputs))
            return {"identity": machine.shown(hardware), "matched": matched}
        finally:
            system.close()


def _recognize(system: "System", inputs: Values, state: Values, hardware: "Identity", say: Progress) -> dict[str, str]:
    """How the BMC spells the declared hardware. Raises UserError, which names an order that an earlier run left."""
    try:
        matched = machine.recognized(inputs, hardware)
        machine.require_same_pairing(inputs, state, hardware, matched, say)
    except UserError as failure:
        raise UserError(f"{failure}{system.left_armed()}") from None
    return matched


def _order(system: "System", inputs: Values, say: Progress) -> None:
    """Have the machine be off, and its next boot be from the network. Raises UserError, and withdraws the order."""
    try:
        # Before it is switched off: if the BMC refuses, the machine still runs.
        system.pxe_once(inputs["bootMode"])
        system.off()
        # Some BMCs forget the next boot when the power goes off.
        if not system.ordered(inputs["bootMode"]):
            system.pxe_once(inputs["bootMode"])
    except UserError as failure:
        raise UserError(f"{failure}{system.withdraw()}") from None
    except BaseException:
        say(f"its permit failed{system.withdraw()}")
        raise


# The permits that this process gave and that no boot has used. A BMC may forget a permit before the machine is
# switched on, and only for these is it certain that no boot has used it.
HERE: set[tuple[str, str, float]] = set()


def _key(inputs: Values) -> tuple[str, str, float]:
    return inputs["url"], inputs["system"], float(inputs["generation"])


def is_unused(inputs: Values) -> bool:
    """Whether this process gave the permit, and has not switched the machine on since."""
    return _key(inputs) in HERE


def use(inputs: Values) -> None:
    """Record that the permit may have been used."""
    HERE.discard(_key(inputs))
