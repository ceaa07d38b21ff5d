"""Machines that are switched on by their BMCs."""

from dataclasses import dataclass
from typing import Any

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource
from core.model.bmc import BmcSpec, PaceSpec
from core.model.machine import MachineSpec
from core.native.metal import BOOT_JOURNAL, BOOT_PERMIT, POWER

# A machine reports "On" within seconds even if its firmware then tests memory for minutes; the timeout is for slow
# BMCs.
POWER_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class BmcCredentials:
    """The user name and the password at a machine's BMC."""

    username: Input[str]
    password: Input[str]


class BootJournal(ContractResource):
    """Records which order the machine's BMC is about to get, so that no order of a killed run is forgotten."""

    generation: Output[int]

    def __init__(
        self, name: str, machine: MachineSpec, bmc: BmcSpec, who: BmcCredentials, pace: PaceSpec, opts: ResourceOptions
    ) -> None:
        super().__init__(BOOT_JOURNAL, name, _inputs(machine, bmc, who, pace), opts)


class BootPermit(ContractResource):
    """Switches the declared machine off and sets its next boot to the network, once for each install.generation."""

    generation: Output[int]

    def __init__(
        self,
        name: str,
        machine: MachineSpec,
        bmc: BmcSpec,
        who: BmcCredentials,
        pace: PaceSpec,
        journal: BootJournal,
        opts: ResourceOptions,
    ) -> None:
        # The journal's output and not the stack file's value, so that the journal is in the state before the BMC gets
        # an order.
        values = {**_inputs(machine, bmc, who, pace), "generation": journal.generation}
        super().__init__(BOOT_PERMIT, name, values, opts)


class Power(ContractResource):
    """Switches the declared machine on, once for each permit."""

    power: Output[str]
    identity: Output[Any]
    """The uuid, serial and macs that the BMC reports, and the sku if that is a second serial number."""

    def __init__(
        self,
        name: str,
        machine: MachineSpec,
        bmc: BmcSpec,
        who: BmcCredentials,
        pace: PaceSpec,
        permit: BootPermit,
        opts: ResourceOptions,
    ) -> None:
        # The permit's output and not the stack file's value, so that the permit is in the state before the machine is
        # switched on.
        values = {**_inputs(machine, bmc, who, pace), "generation": permit.generation}
        super().__init__(POWER, name, values, opts)

    @property
    def serials(self) -> Output[list[str]]:
        """The two serial numbers that the BMC reports, or none: Talos reports one of them."""
        return self.identity.apply(
            lambda reported: [reported["serial"], reported["sku"]] if (reported or {}).get("sku") else []
        )


def _inputs(machine: MachineSpec, bmc: BmcSpec, who: BmcCredentials, pace: PaceSpec) -> dict[str, Any]:
    return {
        "url": bmc.url,
        "system": bmc.system,
        "username": who.username,
        "password": who.password,
        "ca": bmc.ca,
        "fingerprint": bmc.fingerprint,
        "accepted": bmc.accept_change.model_dump(exclude_none=True) if bmc.accept_change else None,
        # The provider refuses other hardware than declared, so no other machine is erased.
        "uuid": machine.uuid,
        "serial": machine.serial,
        "generation": machine.install.generation,
        "bootMode": bmc.boot_mode,
        "timeoutSeconds": POWER_TIMEOUT_SECONDS,
        "atOnce": pace.at_once,
        "secondsBetween": pace.seconds_between,
    }
