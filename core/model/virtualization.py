"""The `kubevirt` and `vms` sections: virtual machines in the cluster."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from core.facts.ssh import public_key_fault
from core.facts.versions import CURRENT

from .amounts import GuestMemory
from .cloudconfig import CloudConfig
from .faults import refuse
from .images import ContainerImage, ImageRepository
from .types import Architecture, KubeVirtVersion, Model, Name


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


# TCP ports are numbers and UDP ports are texts: 80 and 53/udp.
OpenPort = Annotated[
    int | str,
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


def _said_aloud(image: str, info: ValidationInfo) -> str:
    """A container disk, if the VM says that it keeps nothing."""
    if info.data.get("ephemeral") is False:
        refuse(
            "is a container disk without ephemeral: true",
            "the VM gets a fresh copy of it at every start, so all that it wrote before is lost",
            "write ephemeral: true if the VM has nothing to keep",
        )
    return image


class KubeVirtSpec(Model):
    """KubeVirt, which runs virtual machines in pods."""

    version: KubeVirtVersion = Field(examples=[CURRENT["kubevirt"]])
    emulation: bool = False
    """Run VMs without VT-x or AMD-V. For labs alone: it is very slow."""
    registry: ImageRepository | None = None
    """Registry of KubeVirt's images, if it is not the one of the release."""


class VirtualMachineSpec(Model):
    """A virtual machine."""

    ephemeral: bool = False
    """The VM keeps nothing: its disk is a fresh copy of the image at every start, so a stop, a drain or an update of
    KubeVirt deletes all that it wrote."""
    image: Annotated[ContainerImage, AfterValidator(_said_aloud)] = Field(examples=["quay.io/containerdisks/fedora:42"])
    """The container disk of a VM that is ephemeral."""
    cpu: int = Field(ge=1, le=512, strict=True, examples=[2])
    """Virtual CPUs: cores of one socket."""
    memory: GuestMemory = Field(examples=["4Gi"])
    arch: Architecture | None = None
    """Processor architecture of the guest and of the nodes that it runs on. Required where nodes of both run VMs."""
    namespace: Name = "vms"
    running: bool = True
    ssh_keys: tuple[SshKey, ...] = ()
    """OpenSSH public keys of the image's default user."""
    cloud_init: CloudConfig = Field(default={})
    """cloud-config, merged over what ssh_keys make. Stored in a Secret of the VM's namespace."""
    ports: OpenPorts = ()
    """Ports that others may connect to: 80 for TCP, 53/udp for UDP. All other ports are closed."""
