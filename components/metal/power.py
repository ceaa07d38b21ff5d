"""Machines switched on by their BMCs."""

from dataclasses import dataclass
from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from core.model.bmc import BmcSpec, PaceSpec
from core.model.machine import MachineSpec

# From cold: firmware that tests memory for minutes is still on after seconds; what takes long are BMCs.
POWER_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class BmcCredentials:
    """Who we are at a machine's BMC."""

    username: Input[str]
    password: Input[str]


class BootPermit(CustomResource):
    """A machine that is the declared hardware, is off, and boots from the network next: once for its generation."""

    generation: Output[int]

    def __init__(
        self, name: str, machine: MachineSpec, bmc: BmcSpec, who: BmcCredentials, pace: PaceSpec, opts: ResourceOptions
    ) -> None:
        super().__init__("bedplate-native:metal:Permit", name, _inputs(machine, bmc, who, pace), _secret(opts))


class Power(CustomResource):
    """A machine that is the declared hardware, was switched on once for its permit, and is on."""

    power: Output[str]

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
        outputs = {"identity": None, "lastBoot": None, "power": None}
        # The permit's own number: it is in the state before anything is switched on.
        props = {**_inputs(machine, bmc, who, pace), "generation": permit.generation}
        super().__init__("bedplate-native:metal:Power", name, {**props, **outputs}, _secret(opts))


def _inputs(machine: MachineSpec, bmc: BmcSpec, who: BmcCredentials, pace: PaceSpec) -> dict[str, Any]:
    props = {
        "url": bmc.url,
        "system": bmc.system,
        "username": Output.secret(who.username),
        "password": Output.secret(who.password),
        "ca": bmc.ca,
        "fingerprint": bmc.fingerprint,
        # Where the stack file says which hardware it is, no other is erased.
        "uuid": machine.uuid,
        "serial": machine.serial,
        "generation": machine.install.generation,
        "bootMode": bmc.boot_mode,
        "timeoutSeconds": POWER_TIMEOUT_SECONDS,
        "atOnce": pace.at_once,
        "secondsBetween": pace.seconds_between,
    }
    return {key: value for key, value in props.items() if value is not None}


def _secret(opts: ResourceOptions) -> ResourceOptions:
    return ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["username", "password"]))
