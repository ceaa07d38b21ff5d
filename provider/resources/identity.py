"""The gate before a machine's config: what answers at its address is the declared hardware."""

import json
import time

from clients.talos import Client, Hardware, Maintenance, NoAnswer
from core.machineconfig.differences import differences
from core.machineconfig.merge import merge
from core.native import Unknown, Values
from core.native.machine import IDENTITY
from provider.framework import Progress, UserError, in_thread
from provider.identity import judge
from provider.resource import Resource
from provider.talosclient import client_of
from provider.waiting import wait_until

# Seconds for which a machine may still discover its disks after its API has answered.
SETTLE_SECONDS = 30.0
# A machine that already had its config answers at once or is down: a changed label must not wait for a whole boot.
RECONFIGURE_SECONDS = 120.0


class Identity(Resource):
    """Created when a machine's Talos API answers and its hardware is the declared one.

    It queries the machine again before each new config, and then the API must answer soon: a machine that is down
    fails here, by name, and not in the ten minutes of its config. With a higher generation the machine must be in
    maintenance mode, because otherwise it did not boot from the network.
    """

    contract = IDENTITY

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What the machine's next config changes, by document and field; secret values are not in it."""
        if state is None or isinstance(inputs.get("documents"), Unknown):
            return None
        changes = differences(*(merge(map(json.loads, of.get("documents") or [])) for of in (state, inputs)))
        if not changes:
            return None
        how = "REBOOTS to take" if any(change.reboots for change in changes) else "takes, with no reboot,"
        return "\n".join([f"{inputs['machine']} {how} another config:", *(f"    {change}" for change in changes)])

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the declared machine answers. Returns its name, and the outputs by name."""
        hardware = await in_thread(wait, inputs, float(inputs["timeoutSeconds"]), False, say)
        return str(inputs["machine"]), {**inputs, "found": hardware}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Query the machine again. Returns the outputs by name."""
        installed_again = inputs.get("generation", 0) > state.get("generation", 0)
        moved = inputs.get("node") != state.get("node")
        full = float(inputs["timeoutSeconds"])
        seconds = full if installed_again or moved else min(full, RECONFIGURE_SECONDS)
        hardware = await in_thread(wait, inputs, seconds, installed_again, say)
        return {**inputs, "found": hardware}


def wait(inputs: Values, seconds: float, fresh: bool, say: Progress) -> Values:
    """The machine's hardware (see `shown`) once it answers.

    fresh: whether it must have no config yet.
    Raises UserError at once if it is another machine, and after `seconds` if it does not answer.
    """
    name, address, client = inputs["machine"], inputs["node"], client_of(inputs)
    declared = inputs.get("declared") or {}
    answered: list[float] = []
    answers: list[Hardware] = []

    def ask() -> tuple[bool, str]:
        hardware = _query(client, address, fresh)
        answered.append(time.monotonic())
        judgement = judge({} if hardware.contained else declared, hardware)
        settled = answered[-1] - answered[0] >= SETTLE_SECONDS
        faults = judgement.wrong + (judgement.missing if settled else [])
        if faults:
            raise UserError(
                f"{name}: the machine at {address} is not the declared machine: {'; '.join(faults)}; the config would "
                "erase another machine's disk, so nothing was sent; correct its address, its cables or its declaration"
            )
        answers[:] = [hardware]
        return not judgement.missing, "; ".join(judgement.missing)

    instead = (
        "look at its screen or its BMC's console, and at: "
        f"talosctl -n {address} --insecure get machinestatus; then run up again"
    )
    wait_until(ask, f"{name}: the Talos API at {address} did not answer", seconds, instead, say)
    if answers[0].contained and declared:
        say("runs in a container: it has no hardware that could be compared with the declaration")
    return shown(answers[0])


def _query(client: Client, address: str, fresh: bool) -> Hardware:
    """The hardware, in maintenance mode or else with the platform's certificate. Raises NoAnswer.

    Another platform's machine refuses that certificate.
    """
    try:
        return Maintenance().hardware(address)
    except NoAnswer as anonymous:
        # A server that requires a certificate shows as a lost connection, like many other failures: so it is tried.
        try:
            hardware = client.hardware(address)
        except NoAnswer as certified:
            raise NoAnswer(
                str(certified)
                if str(certified) == str(anonymous)
                else f"without a certificate: {anonymous}; with the platform's: {certified}"
            ) from None
    if fresh:
        raise NoAnswer("it runs on its old config: it has not booted from the network")
    return hardware


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
    }
