"""The `kubevirt` and `vms` sections: virtual machines in the cluster."""

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from core.facts.characters import invisible
from core.facts.versions import CURRENT

from .faults import refuse
from .pattern import Visible
from .types import Architecture, ContainerImage, ImageRepository, Model, Name, Quantity, Version

_KEY = re.compile(r"([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,3})( .{1,200})?")


def _ssh_key(value: Any) -> Any:
    # Never repeated: it may be the private key.
    if isinstance(value, str) and (invisible(value) or not _is_openssh_public_key(value)):
        refuse(
            "is not an OpenSSH public key",
            "nobody could log in with it, and a private key must never be in a stack file",
            "paste the line of the .pub file, e.g. ssh-ed25519 AAAA… name",
        )
    return value


def _is_openssh_public_key(text: str) -> bool:
    """Whether the Base64 part of a key names the same kind as its first word."""
    match = _KEY.fullmatch(text)
    try:
        raw = base64.b64decode(match[2], validate=True) if match else b""
    except ValueError:
        return False
    return match is not None and len(raw) > 4 and raw[4 : 4 + int.from_bytes(raw[:4], "big")] == match[1].encode()


SshKey = Annotated[str, BeforeValidator(_ssh_key)]


class KubeVirtSpec(Model):
    """KubeVirt, which runs virtual machines in pods."""

    version: Version = Field(examples=[CURRENT["kubevirt"]])
    emulation: bool = False
    """Run VMs without VT-x or AMD-V. For labs alone: it is very slow."""
    registry: ImageRepository | None = None
    """Registry of KubeVirt's images, if it is not the one of the release."""


class VirtualMachineSpec(Model):
    """A virtual machine."""

    image: ContainerImage = Field(examples=["quay.io/containerdisks/fedora:42"])
    """A container disk. The VM's disk is a fresh copy of it at every start."""
    cpu: int = Field(ge=1, le=512, strict=True, examples=[2])
    """Virtual CPUs: cores of one socket."""
    memory: Quantity = Field(examples=["4Gi"])
    arch: Architecture | None = None
    """Processor architecture of the guest and of the nodes that it runs on. Required where nodes of both run VMs."""
    namespace: Name = "vms"
    running: bool = True
    ssh_keys: tuple[SshKey, ...] = ()
    """OpenSSH public keys of the image's default user."""
    cloud_init: Annotated[Mapping[str, Any], Visible] = {}
    """cloud-config, merged over what ssh_keys make. Stored in a Secret of the VM's namespace."""
    ports: tuple[Annotated[int, Field(ge=1, le=65535, strict=True)], ...] = ()
    """TCP ports that others may connect to. All other ports are closed."""
