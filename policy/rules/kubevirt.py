"""Rules for KubeVirt's own configuration, for CDI, and for the disks that CDI imports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .field import Field
from .pods import DIGEST
from .rule import Resource, RuleGroup

KUBEVIRT = RuleGroup(frozenset({"kubevirt.io:KubeVirt"}))
CDI = RuleGroup(frozenset({"cdi.kubevirt.io:CDI"}))
VOLUMES = RuleGroup(frozenset({"cdi.kubevirt.io:DataVolume"}))
DISKS = RuleGroup(frozenset({"cdi.kubevirt.io:DataVolume", "kubevirt.io:VirtualMachine"}))

ROOT_GATES = ("HostDisk", "Root")
# Gates that KubeVirt has removed, because the feature is now always on or no longer exists.
STALE_GATES = (
    "LiveMigration", "NUMA", "GPU", "HotplugNICs", "VolumeMigration", "VMLiveUpdateFeatures",
    "NetworkBindingPlugins", "VMPersistentState", "Macvtap", "Passt", "MultiArchitecture",
)  # fmt: skip
CHECKSUM = re.compile(r"(sha256:[0-9a-fA-F]{64}|sha512:[0-9a-fA-F]{128})")
TAG = re.compile(r"v?(\d+)\.(\d+)\.")


def _configuration(resource: Resource) -> Field:
    return resource.inputs.at("spec", "configuration")


def _gates(resource: Resource) -> Field:
    return _configuration(resource).at("developerConfiguration", "featureGates")


def no_root_gates(resource: Resource) -> Iterator[str]:
    """Yields feature gates that give guests root access to the node."""
    gates = _gates(resource)
    yield from (f"{gates.path} contains {gate}" for gate in ROOT_GATES if gate in gates.texts())


def no_stale_gates(resource: Resource) -> Iterator[str]:
    """Yields feature gates that KubeVirt no longer has."""
    gates = _gates(resource)
    yield from (f"{gates.path} contains {gate}" for gate in STALE_GATES if gate in gates.texts())


def betas_chosen(resource: Resource) -> Iterator[str]:
    """Yields a KubeVirt from 1.9 on that enables every beta feature."""
    version = TAG.match(resource.inputs.at("spec", "imageTag").text() or "")
    disabled = _configuration(resource).at("developerConfiguration", "disabledFeatureGates")
    if version and (int(version[1]), int(version[2])) >= (1, 9) and not disabled.given:
        yield f"{disabled.path} is not set, and from KubeVirt 1.9 on every beta feature is enabled by default"


def confines_guests(resource: Resource) -> Iterator[str]:
    """Yields guests without a seccomp profile."""
    profile = _configuration(resource).at("seccompConfiguration", "virtualMachineInstanceProfile", "customProfile")
    if profile["runtimeDefaultProfile"].flag() is not True and not profile["localhostProfile"].text():
        yield f"{profile.path}.runtimeDefaultProfile is not true"


def no_emulation(resource: Resource) -> Iterator[str]:
    """Yields software emulation."""
    field = _configuration(resource).at("developerConfiguration", "useEmulation")
    if field.flag():
        yield f"{field.path} is true"


def no_post_copy(resource: Resource) -> Iterator[str]:
    """Yields post-copy migration."""
    field = _configuration(resource).at("migrations", "allowPostCopy")
    if field.flag():
        yield f"{field.path} is true"


def no_migration_in_clear(resource: Resource) -> Iterator[str]:
    """Yields migration without TLS."""
    field = _configuration(resource).at("migrations", "disableTLS")
    if field.flag():
        yield f"{field.path} is true"


def no_pod_bridge(resource: Resource) -> Iterator[str]:
    """Yields the permission to bridge guests to the pod network."""
    field = _configuration(resource).at("network", "permitBridgeInterfaceOnPodNetwork")
    if field.flag() is not False:
        yield f"{field.path} is not false"


def no_insecure_registries(resource: Resource) -> Iterator[str]:
    """Yields registries that CDI does not verify."""
    field = resource.inputs.at("spec", "config", "insecureRegistries")
    if field.items():
        yield f"{field.path} is set"


def keeps_disks(resource: Resource) -> Iterator[str]:
    """Yields a CDI whose removal would remove disks."""
    field = resource.inputs.at("spec", "uninstallStrategy")
    if field.text() != "BlockUninstallIfWorkloadsExist":
        yield f"{field.path} is not BlockUninstallIfWorkloadsExist"


def _sources(resource: Resource) -> Iterator[Field]:
    if resource.kind == "cdi.kubevirt.io:DataVolume":
        yield resource.inputs.at("spec", "source")
    else:
        for template in resource.inputs.at("spec", "dataVolumeTemplates").items():
            yield template.at("spec", "source")


def disk_verified(resource: Resource) -> Iterator[str]:
    """Yields disk sources without https or without a checksum."""
    for source in _sources(resource):
        http = source["http"]
        if http.given:
            if not (http["url"].text() or "").startswith("https://"):
                yield f"{http.path}.url is not https"
            if not CHECKSUM.fullmatch(http["checksum"].text() or ""):
                yield f"{http.path}.checksum is not sha256:... or sha512:..."
        for kind in ("s3", "gcs", "registry", "imageio"):
            if (source[kind]["url"].text() or "").startswith("http://"):
                yield f"{source[kind].path}.url is not https"


def disk_source_verified(resource: Resource) -> Iterator[str]:
    """Yields disk sources whose certificate is not verified."""
    for source in _sources(resource):
        for kind in ("http", "imageio", "registry", "s3"):
            if source[kind]["insecureSkipVerify"].flag():
                yield f"{source[kind].path}.insecureSkipVerify is true"


def disk_by_digest(resource: Resource) -> Iterator[str]:
    """Yields disk images without a digest."""
    for source in _sources(resource):
        url = source.at("registry", "url")
        if url.given and not DIGEST.fullmatch(url.text() or ""):
            yield f"{url.path} is not named by its digest"


def disk_protected(resource: Resource) -> Iterator[str]:
    """Yields a disk that a plan may delete."""
    if not resource.options.protect:
        yield "it is not protected, so a removed entry, a destroy or another source deletes its data"


RULES = (
    KUBEVIRT.rule(
        "kubevirt-keeps-guests-from-root",
        "critical",
        no_root_gates,
        "HostDisk gives guests files of the node; Root runs their process as the node's root.",
        "remove the gate",
    ),
    KUBEVIRT.rule(
        "kubevirt-gates-are-current",
        "low",
        no_stale_gates,
        "Removed feature gates have no effect, and they hide the effective ones in the list.",
        "remove the gate",
        level="advisory",
    ),
    KUBEVIRT.rule(
        "kubevirt-betas-are-chosen",
        "low",
        betas_chosen,
        "Unused features add attack surface.",
        "list the beta gates that are not used in disabledFeatureGates",
        level="advisory",
    ),
    KUBEVIRT.rule(
        "kubevirt-confines-guests",
        "high",
        confines_guests,
        "Without it a guest that breaks out of QEMU may use every system call.",
        "set seccompConfiguration.virtualMachineInstanceProfile.customProfile.runtimeDefaultProfile: true",
        "CIS 5.6.2",
        "PSS restricted",
    ),
    KUBEVIRT.rule(
        "kubevirt-uses-hardware",
        "low",
        no_emulation,
        "Emulation is far slower than KVM and is not a security boundary.",
        "remove useEmulation; ignore this rule in a lab without KVM",
        level="advisory",
    ),
    KUBEVIRT.rule(
        "kubevirt-never-post-copies",
        "medium",
        no_post_copy,
        "Post-copy needs vm.unprivileged_userfaultfd, which is disabled, and a broken link crashes the guest.",
        "remove the field",
    ),
    KUBEVIRT.rule(
        "kubevirt-migrates-by-tls",
        "critical",
        no_migration_in_clear,
        "A migration transfers the whole memory of a guest, including keys.",
        "remove the field",
    ),
    KUBEVIRT.rule(
        "kubevirt-forbids-pod-bridges",
        "medium",
        no_pod_bridge,
        "A bridge on the pod network blocks migration and lets a guest forge its neighbours' addresses.",
        "set configuration.network.permitBridgeInterfaceOnPodNetwork: false",
        level="opt-in",
    ),
    CDI.rule(
        "cdi-verifies-registries",
        "high",
        no_insecure_registries,
        "Anyone who can intercept an unverified registry chooses what guests boot.",
        "trust its CA with a certConfigMap",
    ),
    CDI.rule(
        "cdi-keeps-disks",
        "high",
        keeps_disks,
        "Without it, removing CDI also removes the definitions of its kinds, and with them every disk that CDI made.",
        "set spec.uninstallStrategy: BlockUninstallIfWorkloadsExist",
    ),
    DISKS.rule(
        "disk-image-is-verified",
        "high",
        disk_verified,
        "The image that a guest boots must be the one that was reviewed.",
        "use https and a sha256 checksum",
    ),
    DISKS.rule(
        "disk-source-is-verified",
        "high",
        disk_source_verified,
        "Without verification any host on the path can impersonate the source.",
        "trust its CA with a certConfigMap",
    ),
    VOLUMES.rule(
        "disk-is-protected",
        "medium",
        disk_protected,
        "A disk has the only copy of what its guest wrote.",
        "remove keep: false from the disk, once it has done what it was written for",
        level="advisory",
    ),
    DISKS.rule(
        "disk-image-has-digest",
        "low",
        disk_by_digest,
        "A tag can be moved; a digest can't.",
        "append @sha256:... to the url",
        level="opt-in",
    ),
)
