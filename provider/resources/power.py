"""A machine's power: identified by its BMC, and switched on once for each permit to boot from the network."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.native import UNKNOWN, InputError, Unknown, Values
from core.native.metal import POWER
from provider.framework import UserError, in_thread
from provider.pace import LOOK, PACE, SWITCH
from provider.progress import Progress
from provider.redfish import machine
from provider.resource import Resource

from . import boot_journal, boot_permit

if TYPE_CHECKING:
    from provider.redfish.system import Identity, System

# Seconds for a read: a BMC that takes longer is reported as hanging.
READ_SECONDS = 90.0
# Seconds for which a run after a killed one waits: a machine that was just switched on may still be reported as off.
COMING_SECONDS = 20.0
POLL_SECONDS = 2.0


class Power(Resource):
    """A machine that was switched on once for each permit (see boot_permit.py).

    Once created, it is the declared hardware and is on. If it was already on, it has used its permit: since that was
    given, only this provider or a person can have switched it on. A higher generation repeats this. Every other
    change only reads. Nothing here ever switches a machine off.
    """

    contract = POWER

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """What the contract can't express of a machine behind a BMC."""
        return machine.own_errors(inputs, before)

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs by name: a declared identity and a permitted boot are known before the update."""
        before = {} if _elsewhere(inputs, state) else (state or {})
        recorded = before.get("identity") or {}
        identity = _planned_identity(inputs, before)
        found: Values = {"matched": before.get("matched", UNKNOWN), "armed": UNKNOWN}
        generation = inputs.get("generation")
        if isinstance(generation, Unknown):
            return {**inputs, **found, "identity": {**identity, "macs": UNKNOWN}, "lastBoot": UNKNOWN, "power": UNKNOWN}
        boots = machine.boots(inputs, state)
        return {
            **inputs,
            **found,
            "identity": {**identity, "macs": recorded.get("macs", UNKNOWN)},
            "lastBoot": _last_boot(inputs, state),
            "power": "On" if boots else UNKNOWN,
        }

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """That another BMC gets the password, and that the machine boots from the network, if that is so."""
        changed = machine.bmc_changes(inputs, state)
        said = [f"its BMC's {field} goes from {was} to {new}" for field, (was, new) in changed.items()]
        if said:
            said.append("the BMC's password is sent there")
        if not isinstance(inputs.get("generation"), Unknown) and machine.boots(inputs, state):
            said.append(f"boots {_last_boot(inputs, state)}")
        return "; ".join(said) or None

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Switch the machine on if it has a permit. Returns its UUID or its BMC's address, and the outputs by name."""
        outputs = await in_thread(_apply, inputs, None, say)
        return outputs["identity"]["uuid"] or f"{inputs['url']} {inputs['system']}", outputs

    async def read(self, identity: str, state: Values) -> Values | None:
        """The outputs by name, as the BMC reports them. Raises UserError for an import: credentials are missing."""
        if "url" not in state:
            raise UserError(
                "a machine's power can't be imported; an import does not have its BMC's credentials; declare the "
                "machine with install.generation 0, which only reads it"
            )
        return await in_thread(_read, state)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Switch the machine on if the generation is higher. Returns the outputs by name."""
        return await in_thread(_apply, inputs, state, say)

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        """Leave the machine's power as it is: it may only move to another stack."""
        boot_journal.use(state)
        say(
            f"{state.get('system')} of {state.get('url')} is left running; "
            "switch it off by its BMC if it is not needed any more"
        )


def _elsewhere(inputs: Values, state: Values | None) -> bool:
    return state is None or any(inputs.get(name) != state.get(name) for name in ("url", "system"))


def _planned_identity(inputs: Values, before: Values) -> Values:
    """The uuid and serial that a plan knows: as the BMC spelled what is still declared, or as declared."""
    recorded, spelled = before.get("identity") or {}, before.get("matched") or {}
    sku = {"sku": recorded["sku"]} if "sku" in recorded else {}
    known = {name for name in spelled if before.get(name) == inputs.get(name) and recorded.get(name)}
    return {
        **{
            name: recorded[name] if name in known else inputs.get(name) or recorded.get(name, UNKNOWN)
            for name in ("uuid", "serial")
        },
        **sku,
    }


def _last_boot(inputs: Values, state: Values | None) -> str:
    if machine.boots(inputs, state):
        return machine.order(inputs)
    return str((state or {}).get("lastBoot", "none by Bedplate: generation 0 permits no installation"))


def _apply(inputs: Values, state: Values | None, say: Progress) -> Values:
    # Imported here: sushy takes long to load, and a plan queries no BMC.
    from provider.redfish.system import System

    boots = machine.boots(inputs, state)
    with PACE.turn(SWITCH if boots else LOOK, int(inputs["atOnce"]), say):
        system = System(machine.access(inputs), float(inputs["timeoutSeconds"]), say)
        try:
            hardware = system.identity()
            matched, armed = _switched_on(system, inputs, state, hardware, say), ""
            if not boots and (armed := system.armed()):
                say(f"its BMC is armed, and not by this update: {armed}; if that is not yours, withdraw it at the BMC")
            return {
                **inputs,
                "identity": machine.shown(hardware),
                "matched": matched,
                "armed": armed,
                "lastBoot": _last_boot(inputs, state),
                "power": system.power(),
            }
        finally:
            system.close()


def _switched_on(
    system: "System", inputs: Values, state: Values | None, hardware: "Identity", say: Progress
) -> dict[str, str]:
    """How the BMC spells the declared hardware, which is on if the inputs permit a boot.

    Raises UserError, which names the order of a permit that could not be used: the next `up` uses it.
    """
    try:
        matched = machine.recognized(inputs, hardware)
        _require_same_hardware(inputs, state, hardware)
        machine.require_same_pairing(inputs, state, hardware, matched, say)
        if machine.boots(inputs, state):
            _switch_on(system, inputs, say)
    except UserError as failure:
        raise UserError(f"{failure}{system.left_armed()}") from None
    return matched


def _switch_on(system: "System", inputs: Values, say: Progress) -> None:
    """Switch the machine on for its permit. A machine that is already on has used its permit, and is not booted again.

    Raises UserError if it is off and its BMC has forgotten a permit of an earlier run.
    """
    power, ordered = _steady_power(system, inputs)
    if power == "Off":
        if not ordered and not boot_permit.is_unused(inputs):
            generation = inputs["generation"]
            raise UserError(
                f"{inputs['system']} of {inputs['url']} is off, and its BMC has forgotten that an earlier run ordered "
                f"a boot from the network for generation {generation:.0f}; it may have booted in between, and would "
                "be installed a second time; look at the machine, and write "
                f"install.generation {generation + 1:.0f} to boot it from the network now"
            )
        if not ordered:
            say(f"{inputs['url']} has forgotten the order to boot from the network, so it is sent again")
            system.pxe_once(inputs["bootMode"])
        PACE.switching(float(inputs["secondsBetween"]))
        boot_permit.use(inputs)
        say(f"is switched on, and boots {machine.order(inputs)}")
        system.on()
        return
    boot_permit.use(inputs)
    system.wait_on()
    say(f"is already on: it booted {machine.order(inputs)}, and is not booted again")


def _steady_power(system: "System", inputs: Values) -> tuple[str, bool]:
    """The machine's power, and whether its next boot is from the network; it may take a while to be reported as on."""
    end = time.monotonic() + min(COMING_SECONDS, float(inputs["timeoutSeconds"]) / 2)
    while True:
        power = system.power()
        ordered = power == "Off" and system.ordered(inputs["bootMode"])
        if power != "Off" or ordered or boot_permit.is_unused(inputs) or time.monotonic() >= end:
            # It may have been switched on between the two questions.
            return (system.power() if power == "Off" and not ordered else power), ordered
        time.sleep(POLL_SECONDS)


def _read(state: Values) -> Values:
    from provider.redfish.system import System

    def quiet(text: str) -> None:
        """A refresh shows no progress."""

    with PACE.turn(LOOK, int(state["atOnce"]), quiet):
        system = System(machine.access(state), min(READ_SECONDS, float(state["timeoutSeconds"])), quiet)
        try:
            hardware, power, armed = system.identity(), system.power(), system.armed()
        finally:
            system.close()
    outputs = {**state, "identity": machine.shown(hardware), "power": power, "armed": armed}
    # If the hardware is not the declared one, the state gets what the BMC reports: the next plan shows the difference
    # as a change, and refuses it.
    for fact, real in (("uuid", hardware.uuid), ("serial", hardware.serial)):
        if state.get(fact) and not machine.spelled(fact, state[fact], hardware):
            outputs[fact] = real
    return outputs


def _require_same_hardware(inputs: Values, state: Values | None, hardware: "Identity") -> None:
    """Hardware that is not declared may be replaced only with a permit to install it. Raises UserError."""
    before = (state or {}).get("identity") or {}
    if (
        before.get("uuid")
        and hardware.uuid
        and not inputs.get("uuid")
        and not machine.boots(inputs, state)
        and not machine.is_same(before, hardware)
    ):
        raise UserError(
            f"{inputs['system']} of {inputs['url']} has the uuid {hardware.uuid}, and {before['uuid']} was installed; "
            f"the new machine has nothing on it; write install.generation {inputs['generation'] + 1:.0f} to install "
            "it, or correct bmc.url"
        )
