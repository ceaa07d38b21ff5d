"""What KubeVirt's own object says of changes to running virtual machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from core.facts.versions import minor

from .fields import section

# Source: kubevirt/kubevirt v1.8.4, pkg/virt-config/virt-config.go, DefaultMaxHotplugRatio.
RATIO = 4
DECLARATIVE = "DeclarativeHotplugVolumes"
# Source: the same, pkg/virt-controller/watch/vm/vm.go, handleDeclarativeVolumeHotplug: this gate wins over the other.
IMPERATIVE = "HotplugVolumes"
NETWORK_NAMES = "LiveUpdateNADRef"
GROWING = "ExpandDisks"
# Source: kubevirt/kubevirt v1.9.0, pkg/virt-config/featuregate/active.go: on there without being listed.
_ON_LATER = frozenset({DECLARATIVE, NETWORK_NAMES, GROWING})
_LATER = (1, 9)


@dataclass(frozen=True)
class Hypervisor:
    """The settings of the KubeVirt object that decide what is applied to a running VM."""

    gates: frozenset[str] = frozenset()
    """Feature gates that are listed."""
    live: bool = True
    """vmRolloutStrategy is LiveUpdate, KubeVirt's default."""
    ratio: int = RATIO
    """How many times its first CPUs and memory a guest can grow to, where it names no maximum."""
    most_sockets: int = 0
    """The most sockets of guests that name no maximum; 0 if ratio decides."""
    most_memory: str = ""
    """The most memory of guests that name no maximum; empty if ratio decides."""

    @classmethod
    def of(cls, kubevirt: Mapping[str, Any], version: str) -> Self:
        """The settings in the KubeVirt object of a release, such as v1.8.4."""
        configuration = section(kubevirt, "spec", "configuration")
        limits = configuration.get("liveUpdateConfiguration") or {}
        developer = configuration.get("developerConfiguration") or {}
        on = frozenset(developer.get("featureGates") or ())
        if minor(version) >= _LATER:
            on |= _ON_LATER - frozenset(developer.get("disabledFeatureGates") or ())
        return cls(
            gates=on,
            live=configuration.get("vmRolloutStrategy", "LiveUpdate") == "LiveUpdate",
            ratio=limits.get("maxHotplugRatio") or RATIO,
            most_sockets=limits.get("maxCpuSockets") or 0,
            most_memory=str(limits.get("maxGuest") or ""),
        )

    @property
    def attaches_volumes(self) -> bool:
        """Whether a volume that is added to the object is attached to the running VM."""
        return DECLARATIVE in self.gates and IMPERATIVE not in self.gates

    @property
    def grows_disks(self) -> bool:
        """Whether a running guest sees that its disk has grown."""
        return GROWING in self.gates

    @property
    def renames_networks(self) -> bool:
        """Whether a link of a running VM can move to another network by its name."""
        return NETWORK_NAMES in self.gates


DEFAULT = Hypervisor()
"""KubeVirt's own defaults."""
