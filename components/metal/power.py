"""Machines switched on by their BMCs."""

from dataclasses import dataclass

from pulumi import CustomResource, Input, Output, ResourceOptions

from components.platform.bmc import Bmc
from components.platform.machine import Machine

# From cold: firmware that tests memory for minutes is still on after seconds; what takes long are BMCs.
POWER_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class BmcCredentials:
    """Who we are at a machine's BMC."""

    username: Input[str]
    password: Input[str]


class Power(CustomResource):
    """A machine that is the declared hardware, has booted from the network once for its generation, and is on."""

    power: Output[str]

    def __init__(self, name: str, machine: Machine, bmc: Bmc, who: BmcCredentials, opts: ResourceOptions) -> None:
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
        }
        outputs = {"identity": None, "lastBoot": None, "power": None}
        given = {key: value for key, value in props.items() if value is not None}
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["username", "password"]))
        super().__init__("bedplate-native:metal:Power", name, {**given, **outputs}, opts)
