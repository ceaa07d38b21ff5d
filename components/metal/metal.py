"""Bare metal: machines that boot Talos, from the network or by hand."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumiverse_matchbox as matchbox
from pulumi import ComponentResource, CustomResource, Input, Output, ResourceOptions

from core.boot import dnsmasq
from core.boot import matchbox as boot
from core.model import Platform

from .manual_boot import ManualBoot
from .power import BmcCredentials, BootJournal, BootPermit, Power


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The mTLS client that a boot server admits: PEM texts."""

    ca: Input[str]
    certificate: Input[str]
    key: Input[str]


@dataclass(frozen=True, kw_only=True)
class MetalArgs:
    """The platform, and the credentials of what boots its machines."""

    platform: Platform
    matchbox: Credentials | None
    """None if the platform has no boot server: a person boots its machines."""
    bmc: Mapping[str, BmcCredentials]
    """Machine to the user that logs in at its BMC, for machines that have one."""


class Metal(ComponentResource):
    """Each machine's boot profile, and its power or the steps for a person; yields the machines' addresses."""

    booted: Mapping[str, Input[str]]
    """Machine to the address at which its Talos API answers in maintenance mode."""

    serials: Mapping[str, Output[list[str]]]
    """Machine to the two serial numbers that its BMC reports, or none; only machines with a BMC."""

    dnsmasq: Mapping[str, str]
    """File name to text, for the DHCP server of the provisioning network. Empty if the platform wants none."""

    def __init__(self, name: str, args: MetalArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:metal:Metal", name, None, opts)
        self._prefix, self._args = name, args
        groups = self._boot_server()
        boots = {machine: self._power_or_manual(machine, groups.get(machine)) for machine in args.platform.machines}
        self.booted = {
            machine: _address_after(boots[machine], str(spec.address))
            for machine, spec in args.platform.machines.items()
        }
        self.serials = {machine: boot.serials for machine, boot in boots.items() if isinstance(boot, Power)}
        self.dnsmasq = dnsmasq.files(args.platform)
        self.register_outputs({"booted": self.booted})

    def _boot_server(self) -> dict[str, matchbox.Group]:
        """Machine to the group by which the boot server recognizes it; empty if the platform has no boot server."""
        name, platform, client = self._prefix, self._args.platform, self._args.matchbox
        if platform.boot is None or client is None:
            return {}
        server = matchbox.Provider(
            f"{name}-matchbox",
            endpoint=platform.boot.matchbox.endpoint,
            ca=client.ca,
            client_cert=client.certificate,
            client_key=Output.secret(client.key),
            opts=ResourceOptions(parent=self),
        )
        # In this provider every change is a replacement, and the replacement writes a file of the same name. If the old
        # resource were deleted afterwards, the new file would be deleted. The plugin that the toolchain builds requests
        # delete-before-replace itself; other builds don't.
        child = ResourceOptions(parent=self, provider=server, delete_before_replace=True)
        return {machine: self._group(machine, child) for machine in platform.machines}

    def _group(self, machine: str, opts: ResourceOptions) -> matchbox.Group:
        platform, mac = self._args.platform, self._args.platform.machines[machine].mac
        assert mac is not None, "the model requires a MAC of every machine that a boot server boots"
        profile = matchbox.Profile(
            f"{self._prefix}-{machine}",
            name=boot.label(platform, machine),
            **boot.profile(platform, machine),
            opts=opts,
        )
        return matchbox.Group(
            f"{self._prefix}-{machine}",
            name=boot.label(platform, machine),
            profile=profile.name,
            selector={"mac": mac},
            metadata={"machine": machine, "platform": platform.name},
            opts=opts,
        )

    def _power_or_manual(self, machine: str, group: matchbox.Group | None) -> CustomResource:
        """What boots a machine, and not before the boot server has its profile."""
        name, platform, spec = f"{self._prefix}-{machine}", self._args.platform, self._args.platform.machines[machine]
        opts = ResourceOptions(parent=self, depends_on=[group] if group else [])
        if spec.bmc is None or platform.boot is None:
            return ManualBoot(name, machine, platform, opts)
        given = (spec, spec.bmc, self._args.bmc[machine], platform.boot.power)
        permit = BootPermit(name, *given, BootJournal(name, *given, opts), opts)
        return Power(name, *given, permit, opts)


def _address_after(resource: CustomResource, address: str) -> Output[str]:
    """The address as an Output that depends on the resource.

    It is derived from the URN, because the URN is known in a plan, so that the plan shows the address.
    """
    return resource.urn.apply(lambda _: address)
