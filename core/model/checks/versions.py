"""Releases that work together, according to their projects."""

from collections.abc import Iterator

from core.facts import known_bad, versions
from core.facts.versions import Minor, minor, span, spell
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("talos")
def contract_is_rendered(p: Platform) -> Iterator[Fault]:
    """The contract is one that Bedplate renders, and that this Talos accepts."""
    contract, talos = minor(p.talos.contract), minor(p.talos.version)
    path = ("talos", "contract")
    if contract not in versions.CONTRACTS:
        yield fault(
            path,
            f"{p.talos.contract} is not a contract that Bedplate renders",
            "the contract decides which machine config documents exist",
            _accepted(p, talos),
        )
    elif talos in versions.TALOS and contract > talos:
        yield fault(
            path,
            f"{p.talos.contract} is newer than Talos {p.talos.version}",
            "Talos refuses documents that it does not know",
            _accepted(p, talos),
        )


def _accepted(p: Platform, talos: Minor) -> str:
    """The contract to write for a new platform, and those that a running one may have."""
    known = [contract for contract in versions.CONTRACTS if contract <= talos] or [versions.CONTRACTS[0]]
    newest = versions.newest_contract(spell(max(talos, known[0])), ["kubelet_mounts"] if _has_mounts(p) else [])
    others = " or ".join(f"v{spell(each)}" for each in known if each < newest)
    running = f", or {others} for a platform that has it" if others else ""
    return f"write v{spell(newest)}, the newest contract of Talos {p.talos.version}{running}"


def _has_mounts(p: Platform) -> bool:
    return bool(p.talos.kubelet_mounts) or any(machine.kubelet_mounts for machine in p.machines.values())


@check("talos", "cilium", "kubevirt", "cdi")
def releases_fit_kubernetes(p: Platform) -> Iterator[Fault]:
    """Talos, Cilium, KubeVirt and CDI support this Kubernetes release."""
    yield from _fits_kubernetes(p, "talos", "Talos", p.talos.version, versions.TALOS)
    yield from _fits_kubernetes(p, "cilium", "Cilium", p.cilium.version, versions.CILIUM)
    if p.kubevirt is not None:
        yield from _fits_kubernetes(p, "kubevirt", "KubeVirt", p.kubevirt.version, versions.KUBEVIRT)
    # Without a section, CDI is the release for the KubeVirt of the stack file, whose own fault says what is wrong.
    if p.declared_cdi is not None:
        yield from _fits_kubernetes(p, "cdi", "CDI", p.declared_cdi.version, versions.CDI)


def _fits_kubernetes(
    p: Platform, section: str, project: str, version: str, table: dict[Minor, tuple[Minor, Minor]]
) -> Iterator[Fault]:
    supported = table.get(minor(version))
    if supported is None:
        yield fault(
            (section, "version"),
            f"{project} {version} is not in the version matrix",
            "it is not known which Kubernetes releases it supports",
            f"write a release of {', '.join(map(spell, table))}",
        )
    elif not supported[0] <= minor(p.talos.kubernetes) <= supported[1]:
        yield fault(
            (section, "version"),
            f"{project} {version} supports Kubernetes {span(supported)}, but talos.kubernetes is {p.talos.kubernetes}",
            f"the {project} project neither tests nor supports that combination",
            f"set talos.kubernetes to a release of {span(supported)}, or choose another {project} release",
        )


@check("talos", "cilium", "kubevirt", "machines")
def releases_have_no_known_defect(p: Platform) -> Iterator[Fault]:
    """No release is known not to work with what the platform has."""
    extensions = {each for name in p.machines for each in p.schematic_of(name).extensions}
    has = {*extensions, *({"wireguard"} if p.cilium.encryption == "wireguard" else ())}
    releases = {"talos": p.talos.version, "cilium": p.cilium.version}
    if p.kubevirt is not None:
        releases["kubevirt"] = p.kubevirt.version
    for section, version in releases.items():
        for bad in known_bad.defects(section, version):
            if bad.needs in has:
                yield fault(
                    (section, "version"),
                    f"{version} has a known defect: {bad.what}",
                    f"it is reported in {bad.thread}",
                    f"write {bad.instead}",
                )


@check("kubevirt", "talos")
def kubevirt_manifest_is_in_the_checkout(p: Platform) -> Iterator[Fault]:
    """The operator manifest of this KubeVirt release is in the checkout."""
    if p.kubevirt is None or p.kubevirt.version in versions.KUBEVIRT_MANIFESTS:
        return
    # A release that does not support this Kubernetes is reported by the version matrix.
    first, last = versions.KUBEVIRT.get(minor(p.kubevirt.version), ((0, 0), (0, 0)))
    if first <= minor(p.talos.kubernetes) <= last:
        yield fault(
            ("kubevirt", "version"),
            f"the operator manifest of {p.kubevirt.version} is not in this checkout",
            "a plan downloads nothing",
            f"write {' or '.join(versions.KUBEVIRT_MANIFESTS)}",
        )


@check("cdi", "talos")
def cdi_manifest_is_in_the_checkout(p: Platform) -> Iterator[Fault]:
    """The operator manifest of this CDI release is in the checkout."""
    if p.declared_cdi is None or p.declared_cdi.version in versions.CDI_MANIFESTS:
        return
    # A release that does not support this Kubernetes is reported by the version matrix.
    first, last = versions.CDI.get(minor(p.declared_cdi.version), ((0, 0), (0, 0)))
    if first <= minor(p.talos.kubernetes) <= last:
        yield fault(
            ("cdi", "version"),
            f"the operator manifest of {p.declared_cdi.version} is not in this checkout",
            "a plan downloads nothing",
            f"write {' or '.join(versions.CDI_MANIFESTS)}",
        )


@check("cdi", "kubevirt")
def cdi_fits_kubevirt(p: Platform) -> Iterator[Fault]:
    """CDI and KubeVirt are releases that run together."""
    if p.cdi is None or p.kubevirt is None:
        return
    # A release without a manifest is reported by itself.
    span_of = versions.CDI_KUBEVIRT.get(minor(p.cdi.version))
    if span_of is not None and p.kubevirt.version in versions.KUBEVIRT_MANIFESTS:
        first, last = span_of
        if not first <= minor(p.kubevirt.version) <= last:
            yield fault(
                ("cdi", "version"),
                f"CDI {p.cdi.version} runs with KubeVirt {span(span_of)}, but kubevirt.version is {p.kubevirt.version}",
                "KubeVirt starts a VM from the disks that CDI fills, and no other pair was tried",
                f"set kubevirt.version to a release of {span(span_of)}",
            )
