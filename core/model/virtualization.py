"""The `kubevirt` and `vms` sections: virtual machines in the cluster."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from core.facts.versions import CURRENT

from .types import ContainerImage, ImageRepository, Model, Name, Quantity, Version


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
    namespace: Name = "vms"
    running: bool = True
    ssh_keys: tuple[str, ...] = ()
    """OpenSSH public keys of the image's default user."""
    cloud_init: Mapping[str, Any] = {}
    """cloud-config, merged over what ssh_keys make. Stored in a Secret of the VM's namespace."""
    ports: tuple[Annotated[int, Field(ge=1, le=65535, strict=True)], ...] = ()
    """TCP ports that others may connect to. All other ports are closed."""
