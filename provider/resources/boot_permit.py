"""The permit for one installation: a machine that is off, and whose next boot is from the network."""

from collections.abc import Iterable

from core.native import InputError, Values
from core.native.metal import BOOT_PERMIT
from provider.framework import in_thread
from provider.pace import PACE, PREPARE
from provider.progress import Progress
from provider.redfish import machine
from provider.resource import Resource


class BootPermit(Resource):
    """Given once for each generation, and recorded in the state before the machine is switched on.

    This order prevents a second installation: giving a permit boots nothing, so a run after a killed one may give it
    again. Once it is in the state it is not given again, and the BMC forgets it with the boot that it was for.
    """

    contract = BOOT_PERMIT

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """What the contract can't express of a machine behind a BMC."""
        return machine.own_errors(inputs, before)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """That the machine is switched off, if the permit is new."""
        if not isinstance(inputs.get("generation"), int | float) or not machine.boots(inputs, state):
            return None
        return (
            f"is switched off without a shutdown, which ends what runs on it; its next boot is {machine.order(inputs)}"
        )

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Give the permit. Returns the BMC's address with the system, and the outputs by name."""
        return f"{inputs['url']} {inputs['system']}", await self.update("", {}, inputs, say)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Give the permit if the generation is higher. Returns the outputs by name."""
        if machine.boots(inputs, state):
            await in_thread(_give, inputs, say)
        return dict(inputs)


def _give(inputs: Values, say: Progress) -> None:
    # Imported here: sushy takes long to load, and a plan queries no BMC.
    from provider.redfish.system import System

    with PACE.turn(PREPARE, int(inputs["atOnce"]), say):
        system = System(machine.access(inputs), float(inputs["timeoutSeconds"]), say)
        try:
            hardware = system.identity()
            machine.is_declared(inputs, hardware)
            say(
                f"{inputs['system']} has the uuid {hardware.uuid or '(none)'} and the serial number "
                f"{hardware.serial or '(none)'}; its next boot is {machine.order(inputs)}"
            )
            # Before it is switched off: if the BMC refuses, the machine still runs.
            system.pxe_once(inputs["bootMode"])
            system.off()
            # Some BMCs forget the next boot when the power goes off.
            if not system.ordered():
                system.pxe_once(inputs["bootMode"])
            HERE.add(_key(inputs))
        finally:
            system.close()


# The permits that this process gave and that no boot has used. A BMC may forget a permit before the machine is
# switched on, and only for these is it certain that no boot has used it.
HERE: set[tuple[str, str, float]] = set()


def _key(inputs: Values) -> tuple[str, str, float]:
    return inputs["url"], inputs["system"], inputs["generation"]


def is_unused(inputs: Values) -> bool:
    """Whether this process gave the permit, and has not switched the machine on since."""
    return _key(inputs) in HERE


def use(inputs: Values) -> None:
    """Record that the permit may have been used."""
    HERE.discard(_key(inputs))
