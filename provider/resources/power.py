"""A machine's power, by its BMC: identified, switched on once it has a permit to boot from the network, and on."""

import time
from typing import Any

from provider.framework import UNKNOWN, InputError, Progress, Unknown, UserError, Values, in_thread
from provider.identity import same_uuid
from provider.pace import LOOK, PACE, SWITCH
from provider.redfish import machine

from . import boot_permit

# Looking only: a BMC that takes longer is told as one that hangs.
READ_SECONDS = 90.0
# A machine that was just switched on may still be told as off: for so long, a run that comes after a killed one waits.
COMING_SECONDS = 20.0
POLL_SECONDS = 2.0


class Power:
    """A machine that was switched on once for each permit (see boot_permit.py).

    Created, it is the declared hardware and is on: switched on, or found on, because nobody but we or a person can
    have done that since the permit was given. A higher generation does that again. Every other change only looks.
    Nothing here ever switches a machine off.
    """

    token = "bedplate-native:metal:Power"
    secrets = machine.SECRETS
    replaces: frozenset[str] = frozenset()
    ignored_in_diff = machine.IGNORED_IN_DIFF

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        return machine.wrong(inputs, before)

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        known = (state or {}).get("identity") or {}
        if _elsewhere(inputs, state):
            known = {}
        identity = {k: inputs.get(k) or known.get(k, UNKNOWN) for k in ("uuid", "serial")}
        generation = inputs.get("generation")
        if isinstance(generation, Unknown):
            return {**inputs, "identity": {**identity, "macs": UNKNOWN}, "lastBoot": UNKNOWN, "power": UNKNOWN}
        return {
            **inputs,
            "identity": {**identity, "macs": known.get("macs", UNKNOWN)},
            "lastBoot": _last_boot(inputs, state),
            "power": "On" if machine.boots(inputs, state) else UNKNOWN,
        }

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        if isinstance(inputs.get("generation"), Unknown) or not machine.boots(inputs, state):
            return None
        return f"boots {_last_boot(inputs, state)}"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        outputs = await in_thread(_make_so, inputs, None, say)
        return outputs["identity"]["uuid"] or f"{inputs['url']} {inputs['system']}", outputs

    async def read(self, identity: str, state: Values) -> Values | None:
        if "url" not in state:
            raise UserError(
                "a machine's power can't be imported; its BMC's credentials are not known; declare the machine with "
                "install.generation 0, which only looks at it"
            )
        return dict(await in_thread(_look, state))

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        return dict(await in_thread(_make_so, inputs, state, say))

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        # A platform that is forgotten must not go dark, and neither must a machine that only moves to another stack.
        say(
            f"{state.get('system')} of {state.get('url')} is left as it runs; switch it off by its BMC if you want it off"
        )


def _elsewhere(inputs: Values, state: Values | None) -> bool:
    return state is None or any(inputs.get(k) != state.get(k) for k in ("url", "system"))


def _last_boot(inputs: Values, state: Values | None) -> str:
    if machine.boots(inputs, state):
        return machine.order(inputs)
    return str((state or {}).get("lastBoot", "none by Bedplate: generation 0 permits no installation"))


def _make_so(inputs: Values, state: Values | None, say: Progress) -> Values:
    # Here and not above: sushy takes a while to load, and a plan asks no BMC.
    from provider.redfish.system import System

    boots = machine.boots(inputs, state)
    with PACE.turn(SWITCH if boots else LOOK, int(inputs["atOnce"]), say):
        system = System(machine.access(inputs), float(inputs["timeoutSeconds"]), say)
        try:
            found = system.identity()
            machine.is_declared(inputs, found)
            _is_the_same(inputs, state, found)
            if boots:
                _switch_on(system, inputs, say)
            return {**inputs, "identity": _shown(found), "lastBoot": _last_boot(inputs, state), "power": system.power()}
        finally:
            system.close()


def _switch_on(system: Any, inputs: Values, say: Progress) -> None:
    """On, for the permit that was given. Found on, it has used its permit and is never booted again."""
    now, ordered = _settled(system, inputs)
    if now == "Off":
        if not ordered and not boot_permit.is_unused(inputs):
            generation = inputs["generation"]
            raise UserError(
                f"{inputs['system']} of {inputs['url']} was told to boot from the network for generation {generation:.0f} by an "
                "earlier run, is off, and has forgotten it; it may have booted in between, and would do so a second time; "
                f"look at it, and write install.generation {generation + 1:.0f} to boot it from the network now"
            )
        if not ordered:
            say(f"{inputs['url']} has forgotten the order to boot from the network, and is told again")
            system.pxe_once(inputs["bootMode"])
        PACE.switching(float(inputs["secondsBetween"]))
        boot_permit.use(inputs)
        say(f"is switched on, and boots {machine.order(inputs)}")
        system.on()
        return
    boot_permit.use(inputs)
    system.wait_on()
    say(f"is on since it was told to boot {machine.order(inputs)}; it is not booted again")


def _settled(system: Any, inputs: Values) -> tuple[str, bool]:
    """Its power, and whether its next boot is from the network: after a while, where it may just be coming on."""
    end = time.monotonic() + min(COMING_SECONDS, float(inputs["timeoutSeconds"]) / 2)
    while True:
        now = system.power()
        ordered = now == "Off" and system.ordered()
        if now != "Off" or ordered or boot_permit.is_unused(inputs) or time.monotonic() >= end:
            # It may have come on between the two questions.
            return (system.power() if now == "Off" and not ordered else now), ordered
        time.sleep(POLL_SECONDS)


def _look(state: Values) -> Values:
    from provider.redfish.system import System

    quiet: Progress = lambda text: None  # noqa: E731
    with PACE.turn(LOOK, int(state["atOnce"]), quiet):
        system = System(machine.access(state), min(READ_SECONDS, float(state["timeoutSeconds"])), quiet)
        try:
            found, power = system.identity(), system.power()
        finally:
            system.close()
    seen = {**state, "identity": _shown(found), "power": power}
    # What was declared is told as found, so that the next plan sees other hardware as a change to be refused.
    if state.get("uuid") and not same_uuid(state["uuid"], found.uuid):
        seen["uuid"] = found.uuid
    if state.get("serial") and state["serial"].strip() != found.serial:
        seen["serial"] = found.serial
    return seen


def _shown(found: Any) -> Values:
    return {"uuid": found.uuid, "serial": found.serial, "macs": list(found.macs)}


def _is_the_same(inputs: Values, state: Values | None, found: Any) -> None:
    """Hardware that nobody declared may change, but only with a permit to install it."""
    before = ((state or {}).get("identity") or {}).get("uuid")
    if (
        before
        and found.uuid
        and not inputs.get("uuid")
        and not machine.boots(inputs, state)
        and not same_uuid(before, found.uuid)
    ):
        raise UserError(
            f"{inputs['system']} of {inputs['url']} has the uuid {found.uuid}, and {before} was installed; the new machine "
            f"has nothing on it; write install.generation {inputs['generation'] + 1:.0f} to install it, or correct bmc.url"
        )
