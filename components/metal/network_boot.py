"""Machines that find Talos when they boot from the network."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumiverse_matchbox as matchbox
from pulumi import ComponentResource, CustomResource, Input, Output, ResourceOptions

from core.boot import dnsmasq
from core.boot import matchbox as boot
from core.model import Platform

from .manual_boot import ManualBoot
from .power import BmcCredentials, BootPermit, Power


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
    """A boot profile and group for each machine, and its power or the steps for a person; yields the machines' addresses once they can boot."""

    booted: Mapping[str, Input[str]]
    """Machine to the address at which its Talos API answers in maintenance mode."""

    dnsmasq: Mapping[str, str]
    """The files of the server that answers machines, by name. Empty where the platform asks for none."""

    def __init__(self, name: str, args: MetalArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:metal:Metal", name, None, opts)
        platform, known = args.platform, dict[str, matchbox.Group]()
        if platform.boot is not None and args.matchbox is not None:
            known = self._known(name, platform, platform.boot.matchbox.endpoint, args.matchbox)
        # The address is known beforehand and must show in the plan; the URN carries the edge, and is known too.
        self.booted = {
            machine: self._last(name, machine, args, known.get(machine)).urn.apply(
                lambda _, address=str(spec.address): address
            )
            for machine, spec in platform.machines.items()
        }
        self.dnsmasq = dnsmasq.files(platform)
        self.register_outputs({"booted": self.booted})

    def _known(self, name: str, platform: Platform, endpoint: str, client: Credentials) -> dict[str, matchbox.Group]:
        """Machine to what the boot server finds it by."""
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
        known: dict[str, matchbox.Group] = {}
        for machine, spec in platform.machines.items():
            profile = matchbox.Profile(
                f"{name}-{machine}", name=boot.label(platform, machine), **boot.profile(platform), opts=child
            )
            known[machine] = matchbox.Group(
                f"{name}-{machine}",
                name=boot.label(platform, machine),
                profile=profile.name,
                selector={"mac": spec.mac},
                metadata={"machine": machine, "platform": platform.name},
                opts=child,
            )
        return known

    def _last(self, name: str, machine: str, args: MetalArgs, known: matchbox.Group | None) -> CustomResource:
        """What a machine is booted by: not before the boot server knows what to tell it."""
        platform, spec = args.platform, args.platform.machines[machine]
        opts = ResourceOptions(parent=self, depends_on=[known] if known else [])
        if spec.bmc is None or platform.boot is None:
            return ManualBoot(f"{name}-{machine}", machine, platform, opts)
        given = (spec, spec.bmc, args.bmc[machine], platform.boot.power)
        permit = BootPermit(f"{name}-{machine}", *given, opts)
        return Power(f"{name}-{machine}", *given, permit, opts)
