"""The gate before a machine's config: what answers at its address is the declared hardware."""

import json
import time

from clients.talos import Client, Hardware, Maintenance, NoAnswer
from core.machineconfig.differences import differences
from core.machineconfig.merge import merge
from provider.framework import UNKNOWN, InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.identity import judge
from provider.talosclient import client_of, wrong_target
from provider.waiting import wait_until

# How long after its API answers a machine may still find its disks.
SETTLE_SECONDS = 30.0
# A machine that had its config answers at once, or is down: nobody waits a boot's time for a label.
RECONFIGURE_SECONDS = 120.0


class Identity(Gate):
    """Created when a machine's Talos API answers and its hardware is the declared one.

    It is asked again whenever the machine gets another config, and then its API must answer soon: a machine that is
    down fails here, by name, and not in its config's own ten minutes. With a higher generation it must be in
    maintenance mode, or it did not boot from the network.
    """

    token = "bedplate-native:talos:Identity"
    secrets = frozenset({"clientConfiguration", "documents"})
    replaces = frozenset({"machine"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = wrong_target(inputs)
        if not isinstance(inputs.get("declared", {}), (dict, Unknown)):
            wrong.append(
                InputError(
                    "declared", "is no mapping; the machine is compared with it; write uuid, serial, mac or disk"
                )
            )
        return wrong

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return {**inputs, "found": (state or {}).get("found", UNKNOWN)}

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What its next config changes, by document and field; nothing secret is in it."""
        if state is None or isinstance(inputs.get("documents"), Unknown):
            return None
        changed = differences(*(merge(map(json.loads, of.get("documents") or [])) for of in (state, inputs)))
        if not changed:
            return None
        how = "REBOOTS to take" if any(each.reboots for each in changed) else "takes, with no reboot,"
        return "\n".join([f"{inputs['machine']} {how} another config:", *(f"    {each}" for each in changed)])

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        found = await in_thread(wait, inputs, float(inputs["timeoutSeconds"]), False, say)
        return str(inputs["machine"]), {**inputs, "found": found}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        again = inputs.get("generation", 0) > state.get("generation", 0)
        moved = inputs.get("node") != state.get("node")
        full = float(inputs["timeoutSeconds"])
        found = await in_thread(wait, inputs, full if again or moved else min(full, RECONFIGURE_SECONDS), again, say)
        return {**inputs, "found": found}


def wait(inputs: Values, seconds: float, fresh: bool, say: Progress) -> Values:
    """What the machine is, once it answers. fresh: it must have no config. Raises UserError at once if it is another one."""
    name, address = inputs["machine"], inputs["node"]
    client = client_of(inputs["clientConfiguration"])
    assert client is not None, "no update has unknown inputs"
    declared = inputs.get("declared") or {}
    answered: list[float] = []
    told: list[Hardware] = []

    def ask() -> tuple[bool, str]:
        hardware = _ask(client, address, fresh)
        answered.append(time.monotonic())
        judgement = judge({} if hardware.contained else declared, hardware)
        settled = answered[-1] - answered[0] >= SETTLE_SECONDS
        faults = judgement.wrong + (judgement.missing if settled else [])
        if faults:
            raise UserError(
                f"{name}: what answers at {address} is not the declared machine: {'; '.join(faults)}; its config would "
                "erase another machine's disk, so nothing was sent to it; correct its address, its cables or what is declared"
            )
        told[:] = [hardware]
        return not judgement.missing, "; ".join(judgement.missing)

    instead = f"look at its screen or its BMC's console, and at: talosctl -n {address} --insecure get machinestatus; then run up again"
    wait_until(ask, f"{name}: the Talos API at {address} did not answer", seconds, instead, say)
    hardware = told[0]
    if hardware.contained and declared:
        say("runs in a container: it has no hardware to compare with what is declared")
    return shown(hardware)


def _ask(client: Client, address: str, fresh: bool) -> Hardware:
    """In maintenance mode, or else with the platform's own certificate, which another platform's machine refuses."""
    try:
        return Maintenance().hardware(address)
    except NoAnswer as unready:
        # A server that wants a certificate shows as a lost connection, as many other things do: so it is tried.
        try:
            hardware = client.hardware(address)
        except NoAnswer as refused:
            told = (
                str(refused)
                if str(refused) == str(unready)
                else f"without a certificate: {unready}; with the platform's: {refused}"
            )
            raise NoAnswer(told) from None
    if fresh:
        raise NoAnswer("it runs on its old config: it has not booted from the network")
    return hardware


def shown(hardware: Hardware) -> Values:
    """A machine's hardware for the state: what a person compares, and no more."""
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
