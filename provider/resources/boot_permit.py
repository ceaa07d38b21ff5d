"""The permit for one installation: a machine that is off, and whose next boot is from the network."""

from provider.framework import InputError, Progress, Values, in_thread
from provider.pace import PACE, PREPARE
from provider.redfish import machine


class BootPermit:
    """Given once per generation, and written into the state before the machine is switched on.

    That order is what keeps a machine from being installed twice: making a permit boots nothing, so that it may be
    made again by a run that was killed. Once it is in the state it is never made again, and the BMC forgets it with
    the boot it was for.
    """

    token = "bedplate-native:metal:Permit"
    secrets = machine.SECRETS
    replaces: frozenset[str] = frozenset()
    ignored_in_diff = machine.IGNORED_IN_DIFF

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        return machine.wrong(inputs, before)

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return dict(inputs)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        if not isinstance(inputs.get("generation"), (int, float)) or not machine.boots(inputs, state):
            return None
        return f"is switched off, and what runs on it cut off; its next boot is {machine.order(inputs)}"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        return f"{inputs['url']} {inputs['system']}", await self.update("", {}, inputs, say)

    async def read(self, identity: str, state: Values) -> Values | None:
        # A record of ours. What the machine is now, its power tells.
        return state

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        if machine.boots(inputs, state):
            await in_thread(_give, inputs, say)
        return dict(inputs)

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        return None


def _give(inputs: Values, say: Progress) -> None:
    # Here and not above: sushy takes a while to load, and a plan asks no BMC.
    from provider.redfish.system import System

    with PACE.turn(PREPARE, int(inputs["atOnce"]), say):
        system = System(machine.access(inputs), float(inputs["timeoutSeconds"]), say)
        try:
            found = system.identity()
            machine.is_declared(inputs, found)
            say(
                f"{inputs['system']} is {found.uuid or 'unnamed'}, {found.serial or 'no serial'}; its next boot is {machine.order(inputs)}"
            )
            # First, and while it still runs: a BMC that refuses leaves it running.
            system.pxe_once(inputs["bootMode"])
            system.off()
            # Some forget it when the power goes.
            if not system.ordered():
                system.pxe_once(inputs["bootMode"])
            HERE.add(_key(inputs))
        finally:
            system.close()


# Permits that this very process gave and that nobody has used: a BMC may forget one before it is the machine's turn,
# and only then do we know that no boot made it go away.
HERE: set[tuple[str, str, float]] = set()


def _key(inputs: Values) -> tuple[str, str, float]:
    return inputs["url"], inputs["system"], inputs["generation"]


def is_unused(inputs: Values) -> bool:
    """Whether the permit was given by this process, and its machine not switched on since."""
    return _key(inputs) in HERE


def use(inputs: Values) -> None:
    """From here on nobody can say that it was not."""
    HERE.discard(_key(inputs))
