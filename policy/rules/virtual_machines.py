"""Rules for virtual machines: migration, memory, networks, images, and user data."""

from __future__ import annotations

from collections.abc import Iterator

from .field import Field
from .pods import DIGEST, pinned
from .rule import Resource, RuleGroup

SPECS = {
    "kubevirt.io:VirtualMachine": ("spec", "template", "spec"),
    "kubevirt.io:VirtualMachineInstance": ("spec",),
    "kubevirt.io:VirtualMachineInstanceReplicaSet": ("spec", "template", "spec"),
    "pool.kubevirt.io:VirtualMachinePool": ("spec", "virtualMachineTemplate", "spec", "template", "spec"),
}
MACHINES = RuleGroup(frozenset(SPECS))
VM = RuleGroup(frozenset({"kubevirt.io:VirtualMachine"}))
RUN_STRATEGIES = ("Always", "RerunOnFailure", "Manual", "Halted", "Once")
MOVABLE = ("LiveMigrate", "LiveMigrateIfPossible", "External")
EVICTIONS = (*MOVABLE, "None")
BINDINGS = ("masquerade", "bridge", "sriov", "passtBinding", "binding")


def guest(resource: Resource) -> Field:
    """The guest's spec, wherever its kind of resource has it."""
    return resource.inputs.at(*SPECS[resource.kind])


def says_eviction(resource: Resource) -> Iterator[str]:
    """Yields a guest without a known eviction strategy."""
    strategy = guest(resource)["evictionStrategy"]
    if strategy.text() not in EVICTIONS:
        yield f"{strategy.path} is not one of " + ", ".join(EVICTIONS)


def survives_drain(resource: Resource) -> Iterator[str]:
    """Yields a guest that a drain stops instead of migrating it."""
    strategy = guest(resource)["evictionStrategy"]
    if strategy.text() not in MOVABLE:
        yield f"{strategy.path} is not one of " + ", ".join(MOVABLE)


def run_strategy(resource: Resource) -> Iterator[str]:
    """Yields a virtual machine without a known run strategy."""
    spec = resource.inputs["spec"]
    if spec["running"].given:
        yield "spec.running is deprecated and excludes runStrategy"
    if spec["runStrategy"].text() not in RUN_STRATEGIES:
        yield "spec.runStrategy is not one of " + ", ".join(RUN_STRATEGIES)


def chosen_network(resource: Resource) -> Iterator[str]:
    """Yields interfaces without a network or without a binding."""
    spec = guest(resource)
    devices = spec.at("domain", "devices")
    networks = {network["name"].text(): network for network in spec["networks"].items()}
    interfaces = devices["interfaces"].items()
    if not interfaces and devices["autoattachPodInterface"].flag() is not False:
        yield f"{devices.path}.interfaces is empty, so KubeVirt bridges the guest to the pod network"
    for interface in interfaces:
        network = networks.get(interface["name"].text())
        if network is None:
            yield f"{interface.path} has no entry of its name in networks"
        elif network["pod"].given and not interface["masquerade"].given:
            yield f"{interface.path} is on the pod network without masquerade"
        elif not any(interface[binding].given for binding in BINDINGS):
            yield f"{interface.path} names no binding"


def sized(resource: Resource) -> Iterator[str]:
    """Yields a guest without a memory size."""
    spec = guest(resource)
    if resource.kind in VM.kinds and resource.inputs.at("spec", "instancetype").given:
        return
    domain = spec["domain"]
    places = (
        domain.at("memory", "guest"),
        domain.at("resources", "requests", "memory"),
        domain.at("resources", "limits", "memory"),
        domain.at("memory", "hugepages"),
    )
    if not any(place.given for place in places):
        yield f"{domain.path}.memory.guest is not set, nor an instancetype"


def _volumes(resource: Resource) -> list[Field]:
    return guest(resource)["volumes"].items()


def secret_user_data(resource: Resource) -> Iterator[str]:
    """Yields user data that is not in a Secret."""
    for volume in _volumes(resource):
        for kind in ("cloudInitNoCloud", "cloudInitConfigDrive"):
            for name in ("userData", "userDataBase64"):
                if volume[kind][name].given:
                    yield f"{volume[kind].path}.{name} is inline, so anyone who can read the VirtualMachine can read it"
        if volume.at("sysprep", "configMap").given:
            yield f"{volume.path}.sysprep reads a ConfigMap, which is not secret"


def no_host_disk(resource: Resource) -> Iterator[str]:
    """Yields disks that are files of the node."""
    for volume in _volumes(resource):
        if volume["hostDisk"].given:
            yield f"{volume.path}.hostDisk is a file of the node"


def no_sidecar(resource: Resource) -> Iterator[str]:
    """Yields hook sidecars."""
    key = "hooks.kubevirt.io/hookSidecars"
    places = [resource.inputs.at("metadata", "annotations", key)]
    if resource.kind in VM.kinds:
        places.append(resource.inputs.at("spec", "template", "metadata", "annotations", key))
    yield from (f"{place.path} runs another program beside the guest" for place in places if place.given)


def starts_from_kept_disk(resource: Resource) -> Iterator[str]:
    """Yields the container disk that a guest starts from."""
    spec = guest(resource)
    disks = spec.at("domain", "devices")["disks"].items()
    first = min(disks, key=lambda disk: disk["bootOrder"].number() or len(disks) + 1, default=None)
    for volume in spec["volumes"].items():
        if first is not None and volume["name"].text() == first["name"].text() and volume["containerDisk"].given:
            yield f"{volume.path}.containerDisk is copied afresh at every start, so all that the guest wrote is lost"


def image_pinned(resource: Resource) -> Iterator[str]:
    """Yields container disks without a fixed tag or digest."""
    for volume in _volumes(resource):
        disk = volume["containerDisk"]
        if disk.given and not pinned(disk["image"].text() or ""):
            yield f"{disk.path}.image has no tag, or the moving tag latest"


def image_by_digest(resource: Resource) -> Iterator[str]:
    """Yields container disks without a digest."""
    for volume in _volumes(resource):
        disk = volume["containerDisk"]
        if disk.given and not DIGEST.fullmatch(disk["image"].text() or ""):
            yield f"{disk.path}.image is not named by its digest"


def own_devices(resource: Resource) -> Iterator[str]:
    """Yields devices of the node that are passed to the guest."""
    devices = guest(resource).at("domain", "devices")
    if devices["hostDevices"].items():
        yield f"{devices.path}.hostDevices ties the guest to a device of one node"


RULES = (
    MACHINES.rule(
        "vm-says-what-a-drain-does",
        "high",
        says_eviction,
        "Upgrades drain nodes; without evictionStrategy a cluster default decides what happens to the guest.",
        "set evictionStrategy: LiveMigrate, or None where there is no other node",
    ),
    MACHINES.rule(
        "vm-survives-node-drain",
        "high",
        survives_drain,
        "A virtual machine that can't migrate stops with its node at each upgrade.",
        "set evictionStrategy: LiveMigrate, and use disks that can migrate",
        level="opt-in",
    ),
    VM.rule(
        "vm-says-when-it-runs",
        "medium",
        run_strategy,
        "The deprecated field running does not define what happens after a crash.",
        "set runStrategy: Always or another",
    ),
    MACHINES.rule(
        "vm-chooses-its-network",
        "high",
        chosen_network,
        "An interface without a binding becomes a bridge on the pod network, which blocks migration.",
        "name each interface, its network, and masquerade on the pod network",
    ),
    MACHINES.rule(
        "vm-names-its-memory",
        "medium",
        sized,
        "A guest without a memory size can't be scheduled, limited or migrated.",
        "set domain.memory.guest",
    ),
    MACHINES.rule(
        "vm-user-data-is-secret",
        "critical",
        secret_user_data,
        "User data contains passwords, keys and tokens.",
        "put it in a Secret and reference that with secretRef",
        "CIS 5.4.1",
    ),
    MACHINES.rule(
        "vm-uses-no-node-disk",
        "critical",
        no_host_disk,
        "A guest that can write files of the node can take over the node.",
        "use a DataVolume",
        "CIS 5.2.11",
        "PSS baseline",
    ),
    MACHINES.rule(
        "vm-has-no-sidecar",
        "high",
        no_sidecar,
        "A hook sidecar rewrites the guest's definition with the launcher's rights.",
        "remove the annotation",
    ),
    MACHINES.rule(
        "vm-image-is-pinned",
        "high",
        image_pinned,
        "The image that a guest boots must be the one that was reviewed.",
        "give a version, preferably with its digest",
    ),
    MACHINES.rule(
        "vm-image-has-digest",
        "low",
        image_by_digest,
        "A tag can be moved; a digest can't.",
        "append @sha256:... to the image",
        level="opt-in",
    ),
    MACHINES.rule(
        "vm-keeps-its-disk",
        "medium",
        starts_from_kept_disk,
        "A guest on a container disk forgets all that it wrote at each stop, drain and update of KubeVirt.",
        "write disk in place of ephemeral and image; ignore this rule for guests that have nothing to keep",
        level="opt-in",
    ),
    MACHINES.rule(
        "vm-owns-its-devices",
        "low",
        own_devices,
        "A guest with a node's device can't be migrated when the node is drained.",
        "expect downtime on upgrades, or use an emulated device",
        level="advisory",
    ),
)
