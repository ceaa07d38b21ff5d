"""Machines that find Talos when they boot from the network."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumiverse_matchbox as matchbox
from pulumi import ComponentResource, CustomResource, Input, Output, ResourceOptions

from components.platform import Platform

from . import boot, dnsmasq
from .power import BmcCredentials, Power


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The mTLS client that a boot server lets in: PEM texts."""

    ca: Input[str]
    certificate: Input[str]
    key: Input[str]


@dataclass(frozen=True, kw_only=True)
class MetalArgs:
    platform: Platform
    matchbox: Credentials | None
    """None where the platform has no boot server: its machines are booted by hand."""
    bmc: Mapping[str, BmcCredentials]
    """Machine to who we are at its BMC, for those that have one."""


class Metal(ComponentResource):
    """A boot profile and group for each machine, and its power where it has a BMC; yields the machines' addresses once they can boot."""

    booted: Mapping[str, Input[str]]
    """Machine to the address at which its Talos API answers in maintenance mode."""

    dnsmasq: Mapping[str, str]
    """The files of the server that answers machines, by name. Empty where the platform asks for none."""

    def __init__(self, name: str, args: MetalArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:metal:Metal", name, None, opts)
        self.booted = {machine: str(m.address) for machine, m in args.platform.machines.items()}
        if args.platform.boot is not None and args.matchbox is not None:
            self.booted = self._booted(name, args, args.platform.boot.matchbox.endpoint, args.matchbox)
        self.dnsmasq = dnsmasq.files(args.platform)
        self.register_outputs({"booted": self.booted})

    def _booted(self, name: str, args: MetalArgs, endpoint: str, client: Credentials) -> dict[str, Output[str]]:
        platform = args.platform
        server = matchbox.Provider(
            f"{name}-matchbox",
            endpoint=endpoint,
            ca=client.ca,
            client_cert=client.certificate,
            client_key=Output.secret(client.key),
            opts=ResourceOptions(parent=self),
        )
        # Every change is a replacement in this provider, and the old file has the new one's name: deleting it last
        # would delete the new one. The plugin that the toolchain builds asks for this order itself; not every build does.
        child = ResourceOptions(parent=self, provider=server, delete_before_replace=True)
        ready: dict[str, CustomResource] = {}
        for machine, spec in platform.machines.items():
            profile = matchbox.Profile(
                f"{name}-{machine}", name=boot.label(platform, machine), **boot.profile(platform), opts=child
            )
            group = ready[machine] = matchbox.Group(
                f"{name}-{machine}",
                name=boot.label(platform, machine),
                profile=profile.name,
                selector={"mac": spec.mac},
                metadata={"machine": machine, "platform": platform.name},
                opts=child,
            )
            if spec.bmc is not None:
                # Not before the boot server knows what to tell it.
                opts = ResourceOptions(parent=self, depends_on=[group])
                ready[machine] = Power(f"{name}-{machine}", spec, spec.bmc, args.bmc[machine], opts)
        # The address is known beforehand and must show in the plan; the URN carries the edge, and is known too.
        return {
            machine: last.urn.apply(lambda _, address=str(platform.machines[machine].address): address)
            for machine, last in ready.items()
        }
