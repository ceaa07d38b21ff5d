"""The `kubevirt` and `vms` sections: virtual machines in the cluster."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from core.facts.ssh import public_key_fault
from core.facts.versions import CURRENT

from .addresses import Mac
from .cloudconfig import CloudConfig
from .disks import GuestDiskSpec
from .faults import refuse
from .guest import Cpu, ExposeSpec, FirmwareSpec, GuestMemoryRange
from .images import ContainerImage, ImageRepository
from .pattern import Pattern
from .placement import PlaceSpec, ProbesSpec, Watchdog
from .types import Architecture, ByName, KubeVirtVersion, Model, Name
from .vmnetworks import VmNetworkName, VmNicSpec


def _ssh_key(value: Any) -> Any:
    # Never repeated: it may be the private key.
    if isinstance(value, str) and (wrong := public_key_fault(value)):
        refuse(
            wrong,
            "nobody could log in with it, and a private key must never be in a stack file",
            "paste the line of the .pub file, e.g. ssh-ed25519 AAAA… name",
        )
    return value


# Source: RFC 6335, section 6.
_LAST_PORT = 65535
# Source: KubeVirt user guide, "Interfaces and networks", masquerade: what libvirt migrates by.
_MIGRATION = (49152, 49153)

ROOT = "root"
"""The name of the disk that a VM starts from."""

SshKey = Annotated[str, BeforeValidator(_ssh_key)]


def _open_port(value: Any) -> Any:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    match = re.fullmatch(r"([1-9][0-9]{0,4})(?:/(tcp|udp))?", text)
    if match is None or int(match[1]) > _LAST_PORT:
        refuse(
            f"{_shown(value)} is not a port",
            "the network policy of the VM opens exactly these ports, 1 to 65535",
            "write e.g. 80, or 53/udp for UDP",
        )
    return int(match[1]) if match[2] != "udp" else f"{match[1]}/udp"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value!a}" if isinstance(value, int | float | str) and len(str(value)) <= 40 else "this value"


def _once(ports: tuple[int | str, ...]) -> tuple[int | str, ...]:
    twice = next((port for index, port in enumerate(ports) if port in ports[:index]), None)
    if twice is not None:
        refuse(f"{twice} is listed twice", "one of the two was meant to be another port", "list each port once")
    return ports


def _open(value: int | str) -> int | str:
    if value in _MIGRATION:
        refuse(
            f"{value} is a port of KubeVirt's own",
            "a VM that moves to another node is sent there, and its guest is not reached at it",
            "use another port",
        )
    return value


# TCP ports are numbers and UDP ports are texts: 80 and 53/udp.
OpenPort = Annotated[
    int | str,
    AfterValidator(_open),
    BeforeValidator(_open_port),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": "^[1-9][0-9]{0,4}(/(tcp|udp))?$"},
            ]
        }
    ),
]
OpenPorts = Annotated[tuple[OpenPort, ...], AfterValidator(_once)]


def _said_aloud(image: str | None, info: ValidationInfo) -> str | None:
    """A container disk, if the VM says that it keeps nothing, and has no disk that stays."""
    if not {"disk", "ephemeral"} <= info.data.keys():
        return image
    disk, ephemeral = info.data["disk"], info.data["ephemeral"]
    if image is not None and disk is not None:
        refuse("is set, and so is disk", "a VM starts from one of the two", "remove image, or disk")
    if image is not None and not ephemeral:
        refuse(
            "is a container disk without ephemeral: true",
            "the VM gets a fresh copy of it at every start, so all that it wrote before is lost",
            "write ephemeral: true if the VM has nothing to keep, or move the image to disk.from.registry",
        )
    if image is None and disk is None:
        refuse(
            "is missing, and so is disk",
            "a VM starts from a disk",
            "write disk: {size: 20Gi, from: {…}} for a disk that stays, or ephemeral: true and an image",
        )
    if ephemeral and disk is not None:
        refuse("is missing, but ephemeral is true", "a disk stays", "remove ephemeral, or write image in place of disk")
    return image


_OF_DISKS = ("disks", "firmware", "mac", "uuid", "restart", "nics", "pod_network", "place", "probes", "watchdog")
"""Keys that a VM with a disk alone has."""


GuestUuid = Annotated[
    str,
    Pattern(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "a UUID",
        "the guest's licences are bound to it",
        "write 36 characters in small letters, e.g. 4c4c4544-0042-3510-8052-b4c04f564433",
    ),
]


class KubeVirtSpec(Model):
    """KubeVirt, which runs virtual machines in pods."""

    version: KubeVirtVersion = Field(examples=[CURRENT["kubevirt"]])
    emulation: bool = False
    """Run VMs without VT-x or AMD-V. For labs alone: it is very slow."""
    registry: ImageRepository | None = None
    """Registry of KubeVirt's images, if it is not the one of the release."""


class VirtualMachineSpec(Model):
    """A virtual machine."""

    disk: GuestDiskSpec | None = Field(default=None, examples=["{size: 20Gi, from: {blank: true}}"])
    """The disk that the VM starts from. It stays when the VM stops, moves or is deleted."""
    disks: ByName[Name, GuestDiskSpec] = Field(default={}, validate_default=True, examples=["{data: {size: 100Gi}}"])
    """Further disks by name, which guests find as /dev/disk/by-id/virtio-NAME."""
    ephemeral: bool = False
    """The VM keeps nothing: its disk is a fresh copy of the image at every start, so a stop, a drain or an update of
    KubeVirt deletes all that it wrote."""
    image: Annotated[ContainerImage | None, AfterValidator(_said_aloud)] = Field(
        default=None, validate_default=True, examples=["quay.io/containerdisks/fedora:42"]
    )
    """The container disk of a VM that is ephemeral."""
    cpu: Cpu = Field(examples=[2])
    """Virtual CPUs: a number, or sockets, cores, threads and max. A number counts sockets, which can be added to a
    guest that runs; those of an ephemeral VM are cores of one socket."""
    memory: GuestMemoryRange = Field(examples=["4Gi"])
    """A size, or size and max: memory can be added to a guest that runs."""
    arch: Architecture | None = None
    """Processor architecture of the guest and of the nodes that it runs on. Required where nodes of both run VMs."""
    namespace: Name = "vms"
    running: bool = True
    restart: Literal["always", "on-failure", "never", "manual"] = "always"
    """When a VM that runs is started again: whenever it has stopped, when it has crashed, or not at all. manual: it is
    started and stopped with virtctl alone, and an `up` does neither."""
    place: PlaceSpec = Field(default_factory=PlaceSpec, examples=["{apart: database}"])
    """Which machines the VM runs on. Unset: any."""
    probes: ProbesSpec = Field(default_factory=ProbesSpec, examples=["{ready: {tcp: 443}}"])
    watchdog: Watchdog | None = None
    """A watchdog device of the guest, and what is done with a guest that no longer feeds it."""
    firmware: FirmwareSpec = Field(default_factory=FirmwareSpec, examples=["{efi: true}"])
    mac: Mac | None = None
    """MAC address of the guest's link on the pod network. Unset: made from the VM's name, and always the same."""
    uuid: GuestUuid | None = None
    """UUID of the guest's machine, to which licences are bound. Unset: made from the VM's name, and always the same."""
    ssh_keys: tuple[SshKey, ...] = ()
    """OpenSSH public keys of the image's default user."""
    cloud_init: CloudConfig = Field(default={})
    """cloud-config, merged over what ssh_keys make. Stored in a Secret of the VM's namespace."""
    ports: OpenPorts = ()
    """Ports that others may connect to: 80 for TCP, 53/udp for UDP. All other ports are closed."""
    nics: ByName[VmNetworkName, VmNicSpec] = Field(default={}, validate_default=True, examples=["{dmz: {}}"])
    """Links in networks of vm_networks, by the network's name. Policies of Kubernetes and ports don't apply to them."""
    pod_network: Annotated[bool, Field(strict=True)] = True
    """The VM has a link on the pod network. Without it, the VM is in the networks of nics alone."""
    expose: ExposeSpec | None = Field(default=None, examples=["{}"])
    """A Service for the VM's ports, with an address of the load balancer if that is wanted."""

    @model_validator(mode="after")
    def _for_its_kind(self) -> Self:
        if self.ephemeral and (keys := [key for key in _OF_DISKS if key in self.model_fields_set]):
            refuse(
                f"is ephemeral and sets {' and '.join(keys)}",
                "such a VM has nothing that stays, and is made as it always was",
                f"remove {' and '.join(keys)}, or write disk in place of ephemeral and image",
            )
        if self.disk is not None and self.disk.claim is None and self.disk.from_ is None:
            refuse(
                "has a disk without from",
                "a guest can't start from an empty disk",
                "write disk.from, which is {blank: true} for an installer",
            )
        if not self.pod_network and any(each and not each.agent for each in (self.probes.ready, self.probes.alive)):
            refuse(
                "has a probe of a port and pod_network: false",
                "Kubernetes connects to the guest over the pod network",
                "write agent: true in place of the port, or remove pod_network",
            )
        if self.expose is not None and not self.ports:
            refuse("has expose without ports", "a Service has the VM's ports", "write e.g. ports: [443]")
        if not self.pod_network and not self.nics:
            refuse("has pod_network: false and no nics", "nothing could reach the VM", "write e.g. nics: {dmz: {}}")
        if not self.pod_network and self.ports:
            refuse(
                "has ports and pod_network: false",
                "ports are those of the pod network, and a VM's links in other networks have no policy",
                "remove ports, or pod_network",
            )
        return self

    @property
    def starts(self) -> bool:
        """Whether an `up` starts it."""
        return self.running and self.restart != "manual"

    @property
    def every_disk(self) -> Mapping[str, GuestDiskSpec]:
        """Its disks by name, the one that it starts from first, as `root`; none of an ephemeral VM."""
        return (
            {}
            if self.disk is None
            else {ROOT: self.disk, **{name: disk for name, disk in self.disks.items() if name != ROOT}}
        )
