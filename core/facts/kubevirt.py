"""Feature gates of KubeVirt, and what CDI adds to the size of a disk."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from .versions import minor

# Source: kubevirt/kubevirt v1.8.4 and v1.9.0, pkg/virt-config/featuregate/active.go: until a gate is general, it is
# off unless it is listed.
GATES: Mapping[str, tuple[int, int]] = MappingProxyType({"ExpandDisks": (1, 9), "Snapshot": (1, 10)})
"""Gate to the first minor release in which it need not be listed."""
# Source: kubevirt/containerized-data-importer v1.65.0, pkg/common/common.go, DefaultGlobalOverhead.
_OVERHEAD = 0.06
_MEBIBYTE = 2**20


def listed(gates: frozenset[str], version: str) -> list[str]:
    """Those of the gates that a release needs in its list, sorted. version: such as v1.8.4."""
    return sorted(gate for gate in gates if minor(version) < GATES[gate])


def usable_bytes(size: int, mode: str | None) -> int:
    """The bytes that a disk in a claim can have: without what CDI leaves to the file system.

    size: bytes of the claim. mode: Filesystem or Block.
    """
    # Source: the same, GetUsableSpace: in whole mebibytes.
    return size if mode == "Block" else int(size / (1 + _OVERHEAD)) // _MEBIBYTE * _MEBIBYTE


def volume_bytes(size: int, mode: str | None) -> int:
    """The bytes of the claim that CDI makes for a disk.

    size: bytes that the guest sees. mode: Filesystem or Block.
    """
    # In floating point, as CDI computes it: a byte more would let the claim grow.
    # Source: kubevirt/containerized-data-importer v1.65.0, pkg/util/util.go, GetRequiredSpace.
    return size if mode == "Block" else math.ceil(size * (1 + _OVERHEAD))


# Source: kubevirt/kubevirt v1.8.4, pkg/virt-operator/util/config.go: virt-operator derives these from its own image.
IMAGES = (
    "virt-operator",
    "virt-api",
    "virt-controller",
    "virt-handler",
    "virt-launcher",
    "virt-exportproxy",
    "virt-exportserver",
    "synchronization-controller",
)
"""The images of a release, in the registry of its operator."""
# Source: kubevirt/kubevirt, the operator manifest of a release.
REGISTRY = "quay.io/kubevirt"
"""Where a release's images are, if the stack names no other registry."""
