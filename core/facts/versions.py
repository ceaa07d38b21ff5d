"""Which releases were made for each other, as their projects publish it."""

from collections.abc import Iterable
from datetime import date

Minor = tuple[int, int]

# Source: the release of Bedplate that this is; its tests ran with these. The contract is the newest one of this Talos.
# The rehearsal's real nodes run contract v1.12; Talos' own validation of v1.14.1 accepts the later ones.
CURRENT = {
    "contract": "v1.14",
    "talos": "v1.14.2",
    "kubernetes": "v1.35.4",
    "cilium": "1.19.6",
    "kubevirt": "v1.8.4",
    "cdi": "v1.65.0",
}
"""Component to the version proposed where a stack file names none."""

# Source: core/manifests/upstream/, which toolchain/manifests.py generates.
KUBEVIRT_MANIFESTS = (CURRENT["kubevirt"],)
"""KubeVirt releases whose operator manifest is in this checkout."""
# Source: the same.
CDI_MANIFESTS = (CURRENT["cdi"],)
"""CDI releases whose operator manifest is in this checkout."""

# Source: siderolabs/talos, pkg/machinery/config/contract.go; v1.14 replaces fields by documents of their own.
CONTRACTS: tuple[Minor, ...] = ((1, 12), (1, 13), (1, 14))
"""Configuration contracts that Bedplate renders."""
# Source: the same. Talos refuses a config with a document and the field that it replaces.
DOCUMENTS_FROM: Minor = (1, 14)
"""The first contract with documents in place of fields of the one large document."""
# Source: pulumiverse/pulumi-talos at the version of requirements.txt.
GENERATED: Minor = (1, 12)
"""The latest contract that the Talos plugin knows. It makes the PKI for it, which is the same in each later one."""

# Source: Talos documentation, support matrix.
TALOS: dict[Minor, tuple[Minor, Minor]] = {
    (1, 12): ((1, 30), (1, 35)),
    (1, 13): ((1, 31), (1, 36)),
    (1, 14): ((1, 33), (1, 37)),
}
"""Talos minor to the first and the last Kubernetes minor."""
# Source: kubevirt/sig-release, releases/k8s-support-matrix.md.
KUBEVIRT: dict[Minor, tuple[Minor, Minor]] = {
    (1, 7): ((1, 34), (1, 34)),
    (1, 8): ((1, 34), (1, 35)),
    (1, 9): ((1, 34), (1, 36)),
}
"""KubeVirt minor to the first and the last Kubernetes minor."""
# Source: kubevirt/containerized-data-importer, automation/ at v1.65.0: the Kubernetes minors that its tests run on.
CDI: dict[Minor, tuple[Minor, Minor]] = {(1, 65): ((1, 34), (1, 35))}
"""CDI minor to the first and the last Kubernetes minor."""
# Source: the rehearsal, which runs this pair; go.mod of KubeVirt v1.8.4 names the API of CDI 1.64.
CDI_KUBEVIRT: dict[Minor, tuple[Minor, Minor]] = {(1, 65): ((1, 8), (1, 8))}
"""CDI minor to the first and the last KubeVirt minor."""
# Source: cilium/cilium, Documentation/network/kubernetes/compatibility.rst, and the next minor that its tests ran.
CILIUM: dict[Minor, tuple[Minor, Minor]] = {
    (1, 18): ((1, 30), (1, 33)),
    (1, 19): ((1, 31), (1, 36)),
    (1, 20): ((1, 32), (1, 36)),
}
"""Cilium minor to the first and the last Kubernetes minor."""
# Source: Talos documentation, support matrix: community support of a minor ends when the next is released.
TALOS_END: dict[Minor, date] = {(1, 12): date(2026, 5, 1), (1, 13): date(2026, 9, 3)}
"""Talos minor to the day its community support ended."""


# Source: siderolabs/talos, pkg/machinery/config/types at v1.14.1: KubeletConfig has no mounts.
LAST_CONTRACTS: dict[str, Minor] = {"kubelet_mounts": (1, 13)}
"""Setting of a stack file to the last contract in which Talos has it."""


def newest_contract(talos: str, settings: Iterable[str] = ()) -> Minor:
    """The newest contract that this release renders and that this Talos and all of these settings have.

    Messages propose it for a new platform. Kubernetes, Cilium and KubeVirt work with each contract, so they limit
    nothing. Raises ValueError for a Talos that is older than each contract.
    """
    limits = [minor(talos), *(LAST_CONTRACTS[setting] for setting in settings if setting in LAST_CONTRACTS)]
    return max(contract for contract in CONTRACTS if contract <= min(limits))


def minor(version: str) -> Minor:
    """The major and the minor number of v1.35.4, 1.19.6 or v1.12."""
    major, second, *_ = version.lstrip("v").split(".")
    return int(major), int(second)


def spell(version: Minor) -> str:
    """A minor as people write it: 1.35 for (1, 35)."""
    return f"{version[0]}.{version[1]}"


def span(between: tuple[Minor, Minor]) -> str:
    """A range of minors as people write it: 1.34, or 1.33 to 1.37."""
    first, last = between
    return spell(first) if first == last else f"{spell(first)} to {spell(last)}"


def kubevirt_manifest(version: str) -> str:
    """The file name of a KubeVirt release's operator manifest."""
    return f"kubevirt-operator-{version}.yaml"


def cdi_manifest(version: str) -> str:
    """The file name of a CDI release's operator manifest."""
    return f"cdi-operator-{version}.yaml"


def out_of_support(talos: str, today: date) -> str | None:
    """Since when this Talos minor has had no community support, as a sentence; None while it has."""
    end = TALOS_END.get(minor(talos))
    return f"Talos {spell(minor(talos))} has had no community support since {end}" if end and today >= end else None
