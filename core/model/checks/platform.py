"""What no single field can know: rules that hold between the layers of a platform.

Each check is a generator of faults and names the sections it must see whole. Where one of those was broken
before, the check keeps silent: a fault that only follows from another one would send the reader astray.
"""

import base64
from collections.abc import Callable, Iterator
from itertools import combinations

from core.facts.snapshots import NAMESPACE as SNAPSHOTS
from core.facts.versions import KUBEVIRT, minor, mismatches
from core.model.faults import Fault, sentence
from core.model.model import Platform

from . import nics as nics_checks

Check = Callable[[Platform], Iterator[Fault]]
_CHECKS: list[tuple[frozenset[str], Check]] = []

# Releases whose operator manifest is in components/virtualization/manifests.
MANIFESTS = ("v1.8.4",)


def _needs(*sections: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        _CHECKS.append((frozenset(sections), check))
        return check

    return register


def faults(platform: Platform, broken: frozenset[str] = frozenset()) -> list[Fault]:
    """Every fault between the sections of a platform whose fields are right.

    broken: sections of which an entry had to be left out, because it was wrong in itself.
    """
    return [fault for needs, check in _CHECKS if not needs & broken for fault in check(platform)]


def _fault(path: tuple[str, ...], what: str, why: str, instead: str) -> Fault:
    return Fault(path, sentence(what, why, instead))


# For checks that have a file of their own.
needs, fault = _needs, _fault


@_needs("network")
def networks_disjoint(p: Platform) -> Iterator[Fault]:
    for a, b in combinations(("nodes", "pods", "services"), 2):
        left, right = getattr(p.network, a), getattr(p.network, b)
        if left.overlaps(right):
            yield _fault(
                ("network", b),
                f"{right} overlaps network.{a} {left}",
                "one address would mean two things, and packets would go to the wrong one",
                "choose a network of its own for each",
            )


@_needs("network")
def machines_inside(p: Platform) -> Iterator[Fault]:
    nodes = p.network.nodes
    reserved = {nodes.network_address: "the network's own address", nodes.broadcast_address: "its broadcast address"}
    for name, machine in p.declared.items():
        path = ("machines", name, "address")
        if machine.address not in nodes:
            yield _fault(
                path,
                f"{machine.address} is outside network.nodes {nodes}",
                "the machines could not reach each other",
                f"use an address of {nodes}",
            )
        elif machine.address in reserved and nodes.prefixlen < 31:
            yield _fault(
                path,
                f"{machine.address} is {reserved[machine.address]}",
                "no machine can hold it",
                f"use another address of {nodes}",
            )
    for what in ("endpoint", "gateway"):
        address = getattr(p.network, what)
        if address is not None and address not in nodes:
            yield _fault(
                ("network", what),
                f"{address} is outside network.nodes {nodes}",
                "machines would need it to find their way to it"
                if what == "gateway"
                else "a virtual IP is announced on the node network",
                f"use an address of {nodes}",
            )


@_needs()
def addresses_once(p: Platform) -> Iterator[Fault]:
    owner: dict[object, str] = {}
    if p.network.gateway is not None:
        owner[p.network.gateway] = "network.gateway"
    for name, machine in p.declared.items():
        here = ("machines", name, "address")
        if machine.address in owner:
            yield _fault(
                here,
                f"{machine.address} is already {owner[machine.address]}",
                "two would answer at one address",
                "give each its own",
            )
        owner.setdefault(machine.address, ".".join(here))


@_needs()
def macs_once(p: Platform) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for name, machine in p.declared.items():
        if machine.mac in owner:
            yield _fault(
                ("machines", name, "mac"),
                f"{machine.mac} is already machines.{owner[machine.mac]}.mac",
                "the boot server could not tell them apart",
                "read each machine's own from its label or its BMC",
            )
        elif machine.mac:
            owner[machine.mac] = name


@_needs("network")
def nics_fit(p: Platform) -> Iterator[Fault]:
    for path, text in nics_checks.faults(p):
        yield _fault(path, *text)


@_needs()
def identities_once(p: Platform) -> Iterator[Fault]:
    for what in ("uuid", "serial"):
        owner: dict[str, str] = {}
        for name, machine in p.declared.items():
            marked = getattr(machine, what)
            if marked in owner:
                yield _fault(
                    ("machines", name, what),
                    f"{marked} is already machines.{owner[marked]}.{what}",
                    "no two machines have one, and a config would go to the wrong one",
                    "read each machine's own from its BMC or its label",
                )
            elif marked:
                owner[marked] = name


@_needs()
def zones_named(p: Platform) -> Iterator[Fault]:
    for name, machine in p.machines.items():
        where, asked = ("machines", name, "location"), machine.location.zone
        if asked and getattr(machine.location, asked) is None:
            yield _fault(
                (*where, asked),
                f"is missing, and location.zone is {asked}",
                "the zone has its name",
                f"write {asked}, or leave zone out",
            )
        for label in sorted(set(machine.location.labels) & set(machine.labels)):
            yield _fault(
                ("machines", name, "labels", label),
                "is what location.zone makes",
                "a node has one of each label, and one of the two would be lost",
                "leave one of them out",
            )


@_needs()
def disks_once(p: Platform) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for name, machine in p.declared.items():
        serial = machine.install.disk.serial
        if serial in owner:
            yield _fault(
                ("machines", name, "install", "disk", "serial"),
                f"{serial!r} is already machines.{owner[serial]}'s",
                "no two disks have one serial number",
                "read each machine's own with: talosctl get disks --insecure --nodes ADDRESS",
            )
        elif serial:
            owner[serial] = name


@_needs("boot")
def bmcs_once(p: Platform) -> Iterator[Fault]:
    owner: dict[tuple[str, str], str] = {}
    for name, machine in p.declared.items():
        if machine.bmc is None:
            continue
        if p.boot is None:
            yield _fault(
                ("machines", name, "bmc"),
                "stands in a platform without boot",
                "it would boot from a network where nobody answers",
                "write boot: {matchbox: {…}}, or leave bmc out and boot it by hand",
            )
        behind = (machine.bmc.url, machine.bmc.system)
        if behind in owner:
            yield _fault(
                ("machines", name, "bmc"),
                f"is system {behind[1]} of {behind[0]}, which is machines.{owner[behind]}'s",
                "the wrong machine would be switched off and erased",
                "give each its own url or system",
            )
        owner.setdefault(behind, name)


@_needs("network")
def endpoint_of_its_own(p: Platform) -> Iterator[Fault]:
    taken = p.addresses() | ({p.network.gateway: "the gateway"} if p.network.gateway else {})
    if p.network.endpoint in taken:
        yield _fault(
            ("network", "endpoint"),
            f"{p.network.endpoint} is {taken[p.network.endpoint]}'s own address",
            "the Kubernetes API would go away with that machine, and moving it later means new certificates",
            f"use a free address of {p.network.nodes}",
        )


@_needs("machines")
def quorum(p: Platform) -> Iterator[Fault]:
    count = len(p.controlplanes)
    leaves = any(m.role == "controlplane" for m in p.leaving.values())
    if count == 0 and not leaves:
        yield _fault(
            ("machines",), "none is a control plane", "nothing would run Kubernetes", "give one the role controlplane"
        )
    # They leave one at a time: on the way from three to one there are two.
    elif count % 2 == 0 and not leaves:
        yield _fault(
            ("machines",),
            f"{count} are control planes",
            "etcd keeps working while more than half are up, so an even count adds a risk and no safety",
            f"use {count - 1} or {count + 1}",
        )
    elif count > 7:
        yield _fault(
            ("machines",),
            f"{count} are control planes",
            "each write waits for more than half of them",
            "use 3 or 5, at most 7",
        )


@_needs("machines", "talos")
def bootstrap_named(p: Platform) -> Iterator[Fault]:
    named = p.talos.bootstrap
    if named is None and len(p.controlplanes) > 1:
        yield _fault(
            ("talos", "bootstrap"),
            f"is missing, and there are {len(p.controlplanes)} control planes",
            "etcd is bootstrapped once, on one machine, and that one must stay the same when others come and go",
            f"write bootstrap: {p.controlplanes[0]}",
        )
    elif named is not None and named not in p.controlplanes and named not in p.leaving:
        is_what = "a worker" if named in p.machines else "not a machine"
        yield _fault(
            ("talos", "bootstrap"),
            f"{named!r} is {is_what}",
            "etcd runs on control planes",
            f"name one of {', '.join(p.controlplanes) or 'them'}",
        )


@_needs("talos", "cilium", "kubevirt")
def made_for_each_other(p: Platform) -> Iterator[Fault]:
    virt = p.kubevirt.version if p.kubevirt else None
    for where, *text in mismatches(p.talos.contract, p.talos.version, p.talos.kubernetes, p.cilium.version, virt):
        yield _fault(where, *text)


@_needs("kubevirt", "talos")
def manifest_at_hand(p: Platform) -> Iterator[Fault]:
    if p.kubevirt is None or p.kubevirt.version in MANIFESTS:
        return
    # A release that doesn't fit this Kubernetes is told by the version matrix.
    first, last = KUBEVIRT.get(minor(p.kubevirt.version), ((0, 0), (0, 0)))
    if first <= minor(p.talos.kubernetes) <= last:
        yield _fault(
            ("kubevirt", "version"),
            f"the operator manifest of {p.kubevirt.version} is not in this checkout",
            "a plan fetches nothing",
            f"write {' or '.join(MANIFESTS)}",
        )


@_needs("boot")
def bootable(p: Platform) -> Iterator[Fault]:
    for name, machine in p.machines.items():
        if p.boot and machine.mac is None:
            yield _fault(
                ("machines", name, "mac"),
                "is missing",
                "the boot server knows a machine by it",
                "read it from the machine's label or its BMC",
            )


@_needs()
def link_known(p: Platform) -> Iterator[Fault]:
    if p.boot:
        return  # Then the MAC is needed anyway, and told above.
    for name, machine in p.machines.items():
        if machine.mac or machine.link or not (p.network.gateway or machine.role == "controlplane"):
            continue
        why = (
            "the virtual IP of the API is held on a link"
            if machine.role == "controlplane"
            else "a static address belongs to a link"
        )
        yield _fault(
            ("machines", name, "link"), "is missing, and so is mac", why, "write mac, or the link's name, e.g. eth0"
        )


@_needs("machines", "talos")
def somewhere_to_run(p: Platform) -> Iterator[Fault]:
    if p.machines and p.controlplanes and not p.schedulable and not any(m.role == "worker" for m in p.leaving.values()):
        yield _fault(
            ("talos", "schedulable_control_planes"),
            "is not set, and no machine is a worker",
            "nothing but the control plane would run anywhere",
            "write schedulable_control_planes: true, or add a worker",
        )


@_needs("kubevirt")
def vms_have_a_hypervisor(p: Platform) -> Iterator[Fault]:
    if p.vms and p.kubevirt is None:
        yield _fault(
            ("kubevirt",),
            "is missing, and there are VMs",
            "nothing would run them",
            "write kubevirt: {version: v1.8.4}",
        )


RESERVED = frozenset(
    {"default", "kube-system", "kube-public", "kube-node-lease", "kubelet-certificates", "kubevirt", SNAPSHOTS}
)


@_needs()
def namespaces_free(p: Platform) -> Iterator[Fault]:
    for section, entries in (("vms", p.vms), ("workloads", p.workloads)):
        for name, entry in entries.items():
            if entry.namespace in RESERVED:
                yield _fault(
                    (section, name, "namespace"),
                    f"{entry.namespace!r} belongs to the cluster itself",
                    "what lives there would share its rights and escape its default-deny policy",
                    f"use a namespace of their own, e.g. {'vms' if section == 'vms' else 'apps'}",
                )


@_needs()
def namespaces_of_one_kind(p: Platform) -> Iterator[Fault]:
    with_vms = {vm.namespace for vm in p.vms.values()}
    for name, workload in p.workloads.items():
        if workload.namespace in with_vms:
            yield _fault(
                ("workloads", name, "namespace"),
                f"{workload.namespace!r} holds VMs",
                "their pods need more rights than an application may have, and the guard is one for the whole namespace",
                "use another namespace, e.g. apps",
            )


@_needs()
def vms_once(p: Platform) -> Iterator[Fault]:
    for name, vm in p.vms.items():
        if "ssh_authorized_keys" in vm.cloud_init and vm.ssh_keys:
            yield _fault(
                ("vms", name, "ssh_keys"),
                "and cloud_init.ssh_authorized_keys both name keys",
                "one would silently replace the other",
                "keep them in one of the two",
            )
        for index, key in enumerate(vm.ssh_keys):
            if not _public_key(key):
                yield _fault(
                    ("vms", name, "ssh_keys", str(index)),
                    "is not an OpenSSH public key",
                    "nobody could log in, and a private key must never stand here",
                    "paste the line of the .pub file, e.g. ssh-ed25519 AAAA… name",
                )


def _public_key(text: str) -> bool:
    kind, _, rest = text.partition(" ")
    blob = rest.split(" ", 1)[0]
    try:
        raw = base64.b64decode(blob, validate=True)
    except ValueError:
        return False
    return len(raw) > 4 and raw[4 : 4 + int.from_bytes(raw[:4], "big")] == kind.encode()


@_needs("network", "cilium")
def pool_free(p: Platform) -> Iterator[Fault]:
    balancer = p.cilium.load_balancer
    if balancer is None:
        return
    where = ("cilium", "load_balancer", "pool")
    for end in (balancer.pool.first, balancer.pool.last):
        if end not in p.network.nodes:
            yield _fault(
                where,
                f"{end} is outside network.nodes {p.network.nodes}",
                "the addresses are announced on the node network",
                f"use addresses of {p.network.nodes}",
            )
    taken = p.addresses() | {p.network.endpoint: "network.endpoint"}
    if p.network.gateway:
        taken[p.network.gateway] = "network.gateway"
    for address in sorted(taken):
        if address in balancer.pool:
            yield _fault(
                where,
                f"{balancer.pool} holds {address}, which is {taken[address]}",
                "a service would take it away",
                "move the pool, or the other",
            )


@_needs("cilium")
def chart_found(p: Platform) -> Iterator[Fault]:
    local = p.cilium.chart.startswith((".", "/", "oci://"))
    if local and p.cilium.repository is not None:
        yield _fault(
            ("cilium", "repository"),
            "is set, and cilium.chart is a folder or an oci:// address",
            "Helm would look for the chart in the repository",
            "write repository: null",
        )
    elif not local and p.cilium.repository is None:
        yield _fault(
            ("cilium", "repository"),
            "is null, and cilium.chart is a name",
            "a name is looked up in a repository",
            "write its address, or a chart's folder",
        )
