"""The journal of orders to boot from the network: in the state before a BMC gets one."""

from core.native import Unknown, Values
from core.native.metal import BOOT_JOURNAL
from provider.framework import UserError, in_thread
from provider.pace import LOOK, PACE
from provider.progress import Progress
from provider.redfish import machine
from provider.redfish.access import WITHDRAWN
from provider.resource import Resource

# For a look at a BMC that may not be there any more.
LOOK_SECONDS = 60.0


class BootJournal(Resource):
    """Records for which generation a machine's BMC may have an order, before the permit sends it.

    A run that is killed while it gives a permit leaves no permit in the state, and may leave the order. If the stack
    file is then changed back, or the machine leaves it, nothing but this record says so: the order is withdrawn.
    """

    contract = BOOT_JOURNAL

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """That an order which no boot has used is withdrawn, if the generation goes back."""
        if isinstance(inputs.get("generation"), Unknown) or not _goes_back(inputs, state):
            return None
        return (
            "its BMC is looked at: an order to boot from the network that no boot has used is withdrawn, because "
            f"generation {(state or {})['generation']:.0f} is taken back"
        )

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Record the generation. Returns the BMC's address with the system, and the outputs by name."""
        return f"{inputs['url']} {inputs['system']}", dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Record the generation, and withdraw the order of one that is taken back. Returns the outputs by name.

        Raises UserError if the order could not be withdrawn.
        """
        if _goes_back(inputs, state):
            # A renewed password is for the same BMC alone.
            same = not machine.bmc_changes(inputs, state) and inputs["system"] == state["system"]
            said = await in_thread(_take_back, inputs if same else state, say)
            reported = f"{_who(state)} was ordered to boot from the network by an earlier run{said}"
            if said and said != WITHDRAWN:
                # Not recorded, so that the next run tries again.
                raise UserError(reported)
            if said:
                say(reported)
        return dict(inputs)

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        """Withdraw an order that no boot has used. A BMC that does not answer is named, and blocks nothing."""
        if not state.get("generation") or "password" not in state or USED.get(_key(state), -1) >= state["generation"]:
            return
        try:
            said = await in_thread(_take_back, state, say)
        except UserError as failure:
            said = f"; whether its BMC is still armed is not known ({failure})"
        if said:
            say(f"{_who(state)} was ordered to boot from the network, and no boot has used that{said}")


def _goes_back(inputs: Values, state: Values | None) -> bool:
    return bool(inputs["generation"] < (state or {}).get("generation", 0))


def _who(state: Values) -> str:
    return f"{state['system']} of {state['url']}"


def _take_back(values: Values, say: Progress) -> str:
    """What came of an order, to add to a message; empty if the BMC has none. Raises UserError."""
    # Imported here: sushy takes long to load, and a plan queries no BMC.
    from provider.redfish.system import System

    with PACE.turn(LOOK, int(values["atOnce"]), say):
        system = System(machine.access(values), min(LOOK_SECONDS, float(values["timeoutSeconds"])), say)
        try:
            return system.clear()
        finally:
            system.close()


# The machines whose power this process deleted from the state, with their generation: they have used their orders. The
# generation of a journal may be lower, after a change back that the permit refused.
USED: dict[tuple[str, str], float] = {}


def use(state: Values) -> None:
    """Record that the machine's order was used, so that its journal may be deleted without a look at its BMC."""
    USED[_key(state)] = float(state["generation"])


def _key(state: Values) -> tuple[str, str]:
    return state["url"], state["system"]
