"""The gate before a machine's config: what answers at its address is the declared hardware."""

import os
import time
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from clients.talos import Client, Hardware, Maintenance, NoAnswer
from core.effective import report
from core.effective.update import update
from core.facts.hardware import AS_DECLARED
from core.machineconfig import updates
from core.native import Unknown, Values
from core.native.machine import IDENTITY
from provider import pairing
from provider.framework import UserError, in_thread
from provider.identity import judge
from provider.pins import PINS, unknown
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.waiting import wait_until

# Seconds for which a machine may still discover its disks after its API has answered.
SETTLE_SECONDS = 30.0
# A machine that already had its config answers at once or is down: a changed label must not wait for a whole boot.
RECONFIGURE_SECONDS = 120.0
# Set by a rehearsal, whose machines are containers.
REHEARSAL = "BEDPLATE_REHEARSAL"
"""The environment variable of an update whose machines may be containers, without hardware to compare."""


class Identity(Resource):
    """Created when a machine's Talos API answers and its hardware is the declared one.

    It queries the machine again before each new config, and then the API must answer soon: a machine that is down
    fails here, by name, and not in the ten minutes of its config. With a higher generation the machine must be in
    maintenance mode, because otherwise it did not boot from the network.

    A machine that may have a config is queried with the platform's certificate first. Without one it is queried only
    while the platform expects no config there, and the certificate that it serves is the output fingerprint.
    """

    contract = IDENTITY

    def equal_inputs(self, inputs: Values, state: Values) -> frozenset[str]:
        """The base, if the state has none."""
        return updates.unrecorded(state)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What the machine's next config changes, by document and field; secret values are not in it."""
        if state is None or isinstance(inputs.get("documents"), Unknown):
            return None
        made = update(str(inputs["machine"]), str(inputs.get("node") or ""), state, inputs)
        if not made.differences:
            return None
        how = "REBOOTS to take" if any(change.reboots for change in made.differences) else "takes, with no reboot,"
        lines = [*made.differences, *report.lines(made.effects, made.differences)]
        return "\n".join([f"{inputs['machine']} {how} another config:", *(f"    {line}" for line in lines)])

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the declared machine answers. Returns its name, and the outputs by name."""
        found = await in_thread(wait, inputs, float(inputs["timeoutSeconds"]), Expected.EITHER, say)
        return str(inputs["machine"]), {**inputs, **found}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Query the machine again. Returns the outputs by name."""
        expected = _expected(state, inputs)
        moved = inputs.get("node") != state.get("node")
        full = float(inputs["timeoutSeconds"])
        seconds = full if expected is Expected.NO_CONFIG or moved else min(full, RECONFIGURE_SECONDS)
        return {**inputs, **await in_thread(wait, inputs, seconds, expected, say, state)}


class Expected(Enum):
    """What a machine may have when it is identified."""

    CONFIG = auto()
    NO_CONFIG = auto()
    EITHER = auto()


def _expected(state: Values, inputs: Values) -> Expected:
    if inputs.get("generation", 0) > state.get("generation", 0):
        return Expected.NO_CONFIG
    # Identified without a config, it may not have got one yet: its config may have failed. That it had one is known
    # to MachineConfig, which sends nothing then.
    return Expected.EITHER if state.get("fingerprint") else Expected.CONFIG


def wait(inputs: Values, seconds: float, expected: Expected, say: Progress, state: Values | None = None) -> Values:
    """The outputs found, matched and fingerprint once the machine answers (see `shown`).

    Raises UserError at once if it is another machine, and after `seconds` if it does not answer.
    """
    name, address, client = inputs["machine"], inputs["node"], client_of(inputs)
    declared = {**(inputs.get("declared") or {}), "serials": inputs.get("serials") or []}
    answered: list[float] = []
    answers: list[tuple[Hardware, str]] = []

    def ask() -> tuple[bool, str]:
        hardware, fingerprint = _query(client, name, address, expected)
        answered.append(time.monotonic())
        settled = answered[-1] - answered[0] >= SETTLE_SECONDS
        missing = require_declared(name, address, declared, hardware, settled)
        answers[:] = [(hardware, fingerprint)]
        return not missing, "; ".join(missing)

    instead = (
        "look at its screen or its BMC's console, and at: "
        f"talosctl -n {address} --insecure get machinestatus; then run up again"
    )
    wait_until(ask, f"{name}: the Talos API at {address} did not answer", seconds, instead, say)
    [(hardware, fingerprint)] = answers
    if inputs.get("declared") and _has_no_hardware(hardware):
        say("runs in a container: it has no hardware that could be compared with the declaration")
    found, matched = shown(hardware), _spelled(declared, hardware)
    before, now = pairing.recorded(state, "declared", "found"), pairing.Pairing(declared, found, matched)
    pairing.require_same(f"{name}: the machine at {address}", before, now, say)
    _say_spellings(matched, say)
    PINS.identified(name, fingerprint)
    return {"found": found, "matched": matched, "fingerprint": fingerprint}


def _spelled(declared: Mapping[str, Any], hardware: Hardware) -> dict[str, str]:
    return {} if _has_no_hardware(hardware) else judge(declared, hardware).matched


def _say_spellings(matched: Mapping[str, str], say: Progress) -> None:
    """Report each declared fact that the machine tells in another spelling."""
    for fact, spelling in matched.items():
        if spelling != AS_DECLARED:
            say(f"is the declared machine: it reports the declared {fact} {spelling}")


def require_declared(
    name: str, address: str, declared: Mapping[str, Any], hardware: Hardware, settled: bool
) -> list[str]:
    """What the machine does not report yet of its declaration. Raises UserError if it is another machine.

    settled: whether what is missing counts as wrong, because the machine had the time to discover it.
    """
    if _has_no_hardware(hardware):
        return []
    judgement = judge(declared, hardware)
    if faults := judgement.wrong + (judgement.missing if settled else []):
        raise UserError(
            f"{name}: the machine at {address} is not the declared machine: {'; '.join(faults)}; the config would "
            "erase another machine's disk, so nothing was sent; correct its address, its cables or its declaration"
        )
    if not declared.get("secureBoot"):
        return judgement.missing
    return judgement.missing + _missing_secureboot(name, address, hardware, settled)


def _missing_secureboot(name: str, address: str, hardware: Hardware, settled: bool) -> list[str]:
    """What a machine with the declared SecureBoot does not report yet. Raises UserError if SecureBoot is off."""
    if hardware.secure_boot:
        return []
    if hardware.secure_boot is None and not settled:
        return ["it does not report yet whether SecureBoot is on"]
    fault = (
        "does not report whether SecureBoot is on (it has no resource SecurityStates.talos.dev, as before Talos 1.5)"
        if hardware.secure_boot is None
        else "runs with SecureBoot off or in setup mode"
    )
    raise UserError(
        f"{name}: the machine at {address} {fault}, and its schematic has secureboot: true; its disk keys would be "
        "sealed to an unverified boot or to none, so nothing was sent; enroll the factory's keys and turn SecureBoot "
        "on in its firmware's menu (docs/runbooks/secureboot.md), boot it from a signed image, then run up again"
    )


def _has_no_hardware(hardware: Hardware) -> bool:
    """Whether there is nothing to compare. Whoever answers can say that of itself, so only a rehearsal believes it."""
    return hardware.contained and bool(os.environ.get(REHEARSAL))


def _query(client: Client, name: str, address: str, expected: Expected) -> tuple[Hardware, str]:
    """The hardware, with the platform's certificate or else without, and then the machine's own certificate's SHA-256.

    Raises NoAnswer, and UserError if a machine without a config answers where one with a config is expected.
    """
    try:
        hardware = client.hardware(address)
    except NoAnswer as certified:
        return _query_without_config(name, address, expected, str(certified))
    if expected is Expected.NO_CONFIG:
        raise NoAnswer("it runs on its old config: it has not booted from the network")
    return hardware, ""


def _query_without_config(name: str, address: str, expected: Expected, certified: str) -> tuple[Hardware, str]:
    """The same in maintenance mode. certified: why it did not answer with the platform's certificate."""
    try:
        machine = Maintenance.at(address)
        hardware = machine.hardware(address)
    except NoAnswer as anonymous:
        # A server that requires a certificate shows as a lost connection, like many other failures: so both are shown.
        raise NoAnswer(
            certified
            if certified == str(anonymous)
            else f"without a certificate: {anonymous}; with the platform's: {certified}"
        ) from None
    if expected is Expected.CONFIG:
        raise unknown(name, address)
    return hardware, machine.fingerprint


def shown(hardware: Hardware) -> Values:
    """A machine's hardware for the state: uuid, serial, macs, disks (name, size in bytes, ids), memoryMib, threads."""
    disks = [
        {key: disk[key] for key in ("name", "size", "serial", "wwid", "model") if disk.get(key)}
        for disk in hardware.disks
        if disk.get("transport")
    ]
    return {
        "uuid": hardware.uuid,
        "serial": hardware.serial,
        "macs": list(hardware.macs),
        "disks": disks,
        "memoryMib": hardware.memory_mib,
        "threads": hardware.threads,
        "platform": hardware.platform,
        **({} if hardware.secure_boot is None else {"secureBoot": hardware.secure_boot}),
    }
