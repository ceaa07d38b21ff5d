"""A machine's power, by its BMC: identified, booted from the network once for each permit, and on."""

import uuid
from typing import Any

from framework import UNKNOWN, Failed, Progress, Unknown, Values, Wrong, in_thread
from identity import same_uuid
from redfish.access import MODES, Access, digits, is_authority, wrong_url

# Looking only: a BMC that takes longer is told as one that hangs.
READ_SECONDS = 90.0


class Power:
    """A machine that may boot from the network once per generation.

    Created, it is the declared hardware, was told to boot from the network once, and is on. A higher generation does
    that again. Every other change only looks. Nothing here ever switches a machine off for good.
    """

    token = "bedplate-native:metal:Power"
    secrets = frozenset({"username", "password"})
    replaces: frozenset[str] = frozenset()

    def check(self, inputs: Values, before: Values | None = None) -> list[Wrong]:
        wrong = [Wrong(name, reason) for name, reason in _faults(inputs) if not isinstance(inputs.get(name), Unknown)]
        now, was = inputs.get("generation"), (before or {}).get("generation")
        if now is not None and was is not None and _whole(now) and _whole(was) and now < was:
            wrong.append(
                Wrong(
                    "generation",
                    f"goes from {was:.0f} back to {now:.0f}; the machine was installed for {was:.0f}, and that can't be "
                    f"undone; write {was:.0f}, or {was + 1:.0f} to install it again",
                )
            )
        return wrong

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        known = (state or {}).get("identity") or {}
        if _elsewhere(inputs, state):
            known = {}
        identity = {k: inputs.get(k) or known.get(k, UNKNOWN) for k in ("uuid", "serial")}
        generation = inputs.get("generation")
        if isinstance(generation, Unknown):
            return {**inputs, "identity": {**identity, "macs": UNKNOWN}, "lastBoot": UNKNOWN, "power": UNKNOWN}
        boots = _boots(inputs, state)
        return {
            **inputs,
            "identity": {**identity, "macs": known.get("macs", UNKNOWN)},
            "lastBoot": _last_boot(inputs, state),
            "power": "On" if boots else UNKNOWN,
        }

    def foretell(self, inputs: Values, state: Values | None = None) -> str | None:
        if isinstance(inputs.get("generation"), Unknown) or not _boots(inputs, state):
            return None
        return f"boots {_last_boot(inputs, state)}; what runs on it is cut off"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        outputs = await in_thread(_make_so, inputs, None, say)
        return outputs["identity"]["uuid"] or f"{inputs['url']} {inputs['system']}", outputs

    async def read(self, identity: str, state: Values) -> Values | None:
        if "url" not in state:
            raise Failed(
                "a machine's power can't be imported; its BMC's credentials are not known; declare the machine with "
                "install.generation 0, which only looks at it"
            )
        return dict(await in_thread(_look, state))

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        return dict(await in_thread(_make_so, inputs, state, say))

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        # A platform that is forgotten must not go dark, and neither must a machine that only moves to another stack.
        say(f"{state.get('system')} of {state.get('url')} is left as it runs; switch it off by its BMC if you want it off")


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)


def _faults(given: Values) -> list[tuple[str, str]]:
    """Every input that can't be used, with why."""
    found = []
    if why := wrong_url(given.get("url")):
        found.append(("url", why))
    if not _text(given.get("system")):
        found.append(("system", "names no system; one BMC may have several; write its Redfish id, e.g. 1 or System.Embedded.1"))
    for name in ("username", "password"):
        if not _text(given.get(name)):
            found.append((name, "is missing; a BMC lets in nobody without; set the stack's secret bedplate:bmc"))
    ca, fingerprint = given.get("ca"), given.get("fingerprint")
    if ca is not None and fingerprint is not None:
        found.append(("fingerprint", "stands beside a ca; a pinned certificate is trusted whoever signed it; write one of the two"))
    if ca is not None and not is_authority(ca):
        found.append(("ca", "is not a PEM certificate; the BMC's own is checked with it; write -----BEGIN CERTIFICATE----- and what follows"))
    if fingerprint is not None and digits(fingerprint) is None:
        found.append(
            ("fingerprint", "is not a SHA-256 fingerprint; the BMC's certificate is compared with it; write its 64 hexadecimal digits")
        )
    if given.get("uuid") is not None and not _is_uuid(given["uuid"]):
        found.append(("uuid", "is not a UUID; the machine is identified by it; write it as its BMC tells it"))
    if given.get("serial") is not None and not _text(given["serial"]):
        found.append(("serial", "is not a serial number; the machine is identified by it; write it as its BMC tells it"))
    if not _whole(given.get("generation")) or not 0 <= given["generation"] <= 1_000_000:
        found.append(("generation", "is not a whole number from 0; each one permits one installation; write e.g. 1, or 0 for none"))
    if given.get("bootMode") not in MODES:
        found.append(("bootMode", f"is not one of {', '.join(MODES)}; the firmware starts nothing made for the other; write e.g. uefi"))
    seconds = given.get("timeoutSeconds")
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 1 <= seconds <= 3600:
        found.append(("timeoutSeconds", "is not between 1 and 3600; the wait must end; write e.g. 600"))
    return found


def _is_uuid(value: Any) -> bool:
    try:
        return bool(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        return False


def _elsewhere(inputs: Values, state: Values | None) -> bool:
    return state is None or any(inputs.get(k) != state.get(k) for k in ("url", "system"))


def _boots(inputs: Values, state: Values | None) -> bool:
    """Whether this permits an installation that was not made."""
    return bool(inputs["generation"] > (state or {}).get("generation", 0))


def _last_boot(inputs: Values, state: Values | None) -> str:
    if _boots(inputs, state):
        return f"from the network, once, {inputs['bootMode']}, for generation {inputs['generation']:.0f}"
    return str((state or {}).get("lastBoot", "none by Bedplate: generation 0 permits no installation"))


def access(values: Values) -> Access:
    wanted = {k: values.get(k) for k in ("url", "system", "username", "password", "ca", "fingerprint")}
    return Access(**{k: v for k, v in wanted.items() if v is not None})


def _make_so(inputs: Values, state: Values | None, say: Progress) -> Values:
    # Here and not above: sushy takes a while to load, and a plan asks no BMC.
    from redfish.system import System

    system = System(access(inputs), float(inputs["timeoutSeconds"]), say)
    try:
        found = system.identity()
        _is_declared(inputs, found)
        _is_the_same(inputs, state, found)
        if _boots(inputs, state):
            say(f"{inputs['system']} is {found.uuid or 'unnamed'}, {found.serial or 'no serial'}; it boots {_last_boot(inputs, state)}")
            system.pxe_once(inputs["bootMode"])
            system.restart()
        return {**inputs, "identity": _shown(found), "lastBoot": _last_boot(inputs, state), "power": system.power()}
    finally:
        system.close()


def _look(state: Values) -> Values:
    from redfish.system import System

    system = System(access(state), min(READ_SECONDS, float(state["timeoutSeconds"])), lambda text: None)
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


def _is_declared(inputs: Values, found: Any) -> None:
    for name, same in (("uuid", same_uuid), ("serial", lambda a, b: a.strip() == b)):
        declared, real = inputs.get(name), getattr(found, name)
        if declared and not same(declared, real):
            raise Failed(
                f"{inputs['system']} of {inputs['url']} has the {name} {real or '(none)'}, and {declared} is declared; "
                "another machine would be erased; correct bmc.url and bmc.system, or the declared hardware"
            )


def _is_the_same(inputs: Values, state: Values | None, found: Any) -> None:
    """Hardware that nobody declared may change, but only with a permit to install it."""
    before = ((state or {}).get("identity") or {}).get("uuid")
    if before and found.uuid and not inputs.get("uuid") and not _boots(inputs, state) and not same_uuid(before, found.uuid):
        raise Failed(
            f"{inputs['system']} of {inputs['url']} has the uuid {found.uuid}, and {before} was installed; the new machine "
            f"has nothing on it; write install.generation {inputs['generation'] + 1:.0f} to install it, or correct bmc.url"
        )
