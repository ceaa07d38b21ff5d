"""What a VM's guest sees of its machine: processors, memory, firmware; and how others reach the VM."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from core.facts.networks import IpAddress
from core.facts.quantities import mebibytes

from .addresses import address_of
from .amounts import GuestMemory
from .faults import refuse
from .plain import OrPlain
from .types import Model

# Source: QEMU, hw/arm/virt.c, max_cpus of the smallest of the machine types that KubeVirt uses.
MOST_GUEST_CPUS = 512
"""Virtual CPUs of the largest guest."""
_LAZY = ConfigDict(defer_build=True)
Count = Annotated[int, Field(ge=1, le=MOST_GUEST_CPUS, strict=True)]
_COUNT: TypeAdapter[int] = TypeAdapter(Count, config=_LAZY)
_SIZE: TypeAdapter[str] = TypeAdapter(GuestMemory)
# Source: kubevirt/kubevirt v1.8.4, pkg/liveupdate/memory/memory.go.
_STEP = 2
"""Mebibytes of which memory that can grow is a multiple."""
# Source: the same.
_LEAST_GROWING = 1024
"""Mebibytes that a guest has at least whose memory can grow."""


class CpuSpec(Model):
    """Virtual CPUs. Sockets can be added while the guest runs, cores and threads can't."""

    sockets: Count = Field(default=1, examples=[2])
    cores: Count = Field(default=1, examples=[1])
    """Cores of each socket."""
    threads: Count = Field(default=1, examples=[1])
    """Threads of each core."""
    max: Count | None = Field(default=None, examples=[8])
    """Sockets that the guest can have without a restart. Unset: four times as many as it starts with."""

    @model_validator(mode="after")
    def _within_max(self) -> Self:
        if self.max is not None and self.max < self.sockets:
            refuse(
                f"has max {self.max} and {self.sockets} sockets",
                "max is the number of sockets up to which the guest can grow",
                f"write max: {self.sockets} or more",
            )
        count = max(self.sockets, self.max or 0) * self.cores * self.threads
        if count > MOST_GUEST_CPUS:
            refuse(
                f"makes {count} virtual CPUs",
                f"a guest has {MOST_GUEST_CPUS} at most",
                "lower sockets, max, cores or threads",
            )
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it is a number of virtual CPUs and nothing else."""
        return (self.cores, self.threads, self.max) == (1, 1, None)


class MemorySpec(Model):
    """Memory of the guest."""

    size: GuestMemory = Field(examples=["4Gi"])
    max: GuestMemory | None = Field(default=None, examples=["16Gi"])
    """Memory that the guest can have without a restart. Unset: four times as much as it starts with."""

    @model_validator(mode="after")
    def _within_max(self) -> Self:
        if self.max is None:
            return self
        size, most = mebibytes(self.size), mebibytes(self.max)
        if most < size:
            refuse(
                f"has max {self.max} and size {self.size}",
                "max is the memory up to which the guest can grow",
                f"write max: {self.size} or more",
            )
        if size < _LEAST_GROWING:
            refuse(
                f"has max and size {self.size}",
                "KubeVirt adds memory to guests that start with 1Gi or more",
                "remove max, or write size: 1Gi",
            )
        if odd := next((text for text in (self.size, self.max) if mebibytes(text) % _STEP), None):
            refuse(f"has max, and {odd} is not even", "memory is added in blocks of 2Mi", "write e.g. 4Gi")
        return self


def _cpu(value: Any, handler: Any) -> CpuSpec:
    if isinstance(value, Mapping | CpuSpec):
        return CpuSpec.model_validate(handler(value))
    return CpuSpec(sockets=_COUNT.validate_python(value))


def _memory(value: Any, handler: Any) -> MemorySpec:
    if isinstance(value, Mapping | MemorySpec):
        return MemorySpec.model_validate(handler(value))
    return MemorySpec(size=_SIZE.validate_python(value))


# A plain number or size is the whole entry, so its fault is the entry's.
Cpu = Annotated[CpuSpec, WrapValidator(_cpu), OrPlain(_COUNT)]
GuestMemoryRange = Annotated[MemorySpec, WrapValidator(_memory), OrPlain(_SIZE)]


class FirmwareSpec(Model):
    """Firmware of the guest."""

    efi: bool = False
    """UEFI in place of a BIOS."""
    secure_boot: bool = False
    """The firmware starts signed boot loaders only."""
    persistent: bool = False
    """What the guest writes into UEFI's variables stays, such as boot entries."""
    tpm: bool = False
    """A TPM 2.0 whose keys stay. Windows 11 and Server 2025 require one."""

    @model_validator(mode="after")
    def _all_of_efi(self) -> Self:
        for key in ("secure_boot", "persistent"):
            if getattr(self, key) and not self.efi:
                refuse(f"has {key} without efi", "a BIOS has no such thing", f"write efi: true, or remove {key}")
        return self

    @property
    def has_state(self) -> bool:
        """Whether the VM has a volume with UEFI's variables or the TPM's keys."""
        return self.persistent or self.tpm


def _balanced(value: Any) -> bool | IpAddress:
    return value if isinstance(value, bool) else address_of(value)


LoadBalancer = Annotated[
    IPv4Address | IPv6Address | bool,
    BeforeValidator(_balanced),
    PlainSerializer(lambda value: value if isinstance(value, bool) else str(value)),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, *({"type": "string", "format": f} for f in ("ipv4", "ipv6"))]}),
]


class ExposeSpec(Model):
    """A Service with the VM's name and ports. Without load_balancer it is reached within the cluster alone."""

    load_balancer: LoadBalancer = Field(default=False, examples=[True])
    """true for any address of cilium.load_balancer.pool, or the address of it that is meant."""
