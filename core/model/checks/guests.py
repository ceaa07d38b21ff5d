"""Disks, firmware and addresses of VMs with disks of their own."""

from collections.abc import Iterator

from core.model.claims import SHARED_ACCESS, Claim, claims
from core.model.faults import Fault, fault
from core.model.placing import guest_arch
from core.model.platform import Platform
from core.model.virtualization import ROOT

from .registry import check
from .storage import unknown_class

# Source: Kubernetes, validation.IsDNS1123Label: names of volumes and of pods' hosts are made from a disk's.
_LONGEST = 63
_TAKEN = (ROOT, "cloud-init")
"""Names of disks that every VM has."""


def _all_claims(p: Platform) -> Iterator[Claim]:
    for name in p.vms:
        yield from claims(p, name)


@check()
def disks_have_names_of_their_own(p: Platform) -> Iterator[Fault]:
    """No data disk has the name of one that every VM has, and no claim's name is too long or made twice."""
    for name, vm in p.vms.items():
        for taken in (each for each in _TAKEN if each in vm.disks):
            path = ("vms", name, "disks", taken)
            yield fault(path, "has the name of a disk that every VM has", "names are unique", "use another name")
    owners: dict[tuple[str, str], str] = {}
    for each in (each for each in _all_claims(p) if each.is_made):
        place = ".".join(each.path)
        owner = owners.setdefault((each.namespace, each.name), place)
        if len(each.name) > _LONGEST:
            yield fault(
                each.path,
                f"makes a claim whose name has {len(each.name)} characters",
                f"Kubernetes accepts {_LONGEST}, and the name is the VM's, a dash and the disk's",
                "shorten the name of the VM or of the disk",
            )
        elif owner != place:
            yield fault(
                each.path,
                f"makes the claim {each.name}, which is already that of {owner}",
                "two VMs would write to one disk, and its file system would be lost",
                "rename the disk or the VM",
            )


@check("storage", "talos")
def disks_have_a_class(p: Platform) -> Iterator[Fault]:
    """The class of each new disk is named, and offers the modes that are wanted."""
    for each in _all_claims(p):
        if not each.is_made:
            continue
        wanted = p.storage_class(each.spec.class_)
        if wanted is None and each.spec.class_ is not None:
            yield unknown_class(p, (*each.path, "class"), each.spec.class_)
        elif wanted is None:
            yield fault(
                each.path,
                "has no class, and storage has no default one",
                "the disk has to be somewhere",
                "write storage: {local: {}} for the machines' own disks, or class: NAME",
            )
        elif wanted.modes and not wanted.offers(each.spec.access, each.spec.mode):
            asked = " and ".join(filter(None, (each.spec.access, each.spec.mode)))
            yield fault(
                each.path,
                f"is to be {asked}, which {wanted.name} does not offer",
                "its driver makes no such volume",
                f"write one of {', '.join(map(str, wanted.modes))}, or use another class",
            )
        elif each.spec.source.snapshot and wanted.snapshots is None:
            yield fault(
                (*each.path, "from", "snapshot"),
                f"is set, and {wanted.name} has no snapshots",
                "a volume is made from a snapshot by the driver that took it, with a VolumeSnapshotClass",
                f"write snapshots: CLASS for storage.classes.{wanted.name}, or use another class"
                if wanted.name in (p.storage.classes if p.storage else {})
                else "use a class with snapshots",
            )
        elif each.mode == "Block" and not p.talos.block_volumes:
            yield fault(
                each.path,
                "is a block volume, and talos.block_volumes is false",
                "containers could not open it",
                "remove talos.block_volumes, or use a class with Filesystem",
            )


@check("storage")
def state_has_a_class(p: Platform) -> Iterator[Fault]:
    """UEFI variables and TPM keys that stay are in the default class, which has file systems."""
    for name, vm in p.vms.items():
        if not vm.firmware.has_state:
            continue
        key = "tpm" if vm.firmware.tpm else "persistent"
        wanted = p.storage_class(None)
        if wanted is None or not wanted.offers(volume="Filesystem"):
            what = (
                "there is no default class" if wanted is None else f"the default class {wanted.name} has blocks alone"
            )
            yield fault(
                ("vms", name, "firmware", key),
                f"is set, but {what}",
                "KubeVirt keeps what the firmware writes in a volume with a file system",
                "write storage.default: NAME of a class with Filesystem",
            )


@check()
def growing_guests_are_amd64(p: Platform) -> Iterator[Fault]:
    """CPUs and memory are added to guests of amd64 alone, and SecureBoot is theirs too."""
    for name, vm in p.vms.items():
        if guest_arch(p, vm) == "amd64":
            continue
        keys = {
            ("cpu", "max"): vm.cpu.max,
            ("memory", "max"): vm.memory.max,
            ("firmware", "secure_boot"): vm.firmware.secure_boot,
        }
        for path in (path for path, value in keys.items() if value):
            yield fault(
                ("vms", name, *path),
                "is set, and the guest is arm64",
                "KubeVirt has this for amd64 alone",
                f"remove {path[-1]}",
            )


@check()
def one_disk_has_one_vm(p: Platform) -> Iterator[Fault]:
    """Only a disk that is shared in each of its VMs is in several."""
    users: dict[tuple[str, str], list[Claim]] = {}
    for each in _all_claims(p):
        users.setdefault((each.namespace, each.name), []).append(each)
    for first, *others in users.values():
        for each in others:
            # Two new disks with one name are reported as such.
            if (first.spec.shared and each.spec.shared) or (first.is_made and each.is_made) or first.vm == each.vm:
                continue
            yield fault(
                each.path,
                f"is claim {each.name}, which VM {first.vm} has too",
                "two guests that write to one file system destroy it",
                "write shared: true for both if their software is made for it, or use a disk of its own",
            )


@check()
def one_vm_has_a_disk_once(p: Platform) -> Iterator[Fault]:
    """No VM has one claim as two disks, and no disk is a copy of itself."""
    for name in p.vms:
        owners: dict[str, Claim] = {}
        for each in claims(p, name):
            first = owners.setdefault(each.name, each)
            copied = each.spec.source.claim if each.is_made else None
            # Two new disks with one name are reported as such.
            if first is not each and not (first.is_made and each.is_made):
                yield fault(
                    each.path,
                    f"is claim {each.name}, which {'.'.join(first.path)} is too",
                    "a guest that has one disk twice overwrites its own data",
                    "write another claim, or remove one of the two",
                )
            if copied and (copied.namespace or each.namespace, copied.name) == (each.namespace, each.name):
                yield fault(
                    (*each.path, "from", "claim"),
                    f"is {each.name}, the claim that the disk makes",
                    "CDI would wait for ever for what it is to copy",
                    "write the claim of another disk, or claim: NAME in place of from, size, class and mode to use it",
                )


@check("storage")
def shared_disks_can_be_shared(p: Platform) -> Iterator[Fault]:
    """A disk that is shared can be attached on several nodes."""
    for each in _all_claims(p):
        if each.spec.shared and each.is_made and each.access not in (None, SHARED_ACCESS):
            yield fault(
                (*each.path, "shared"),
                f"is true, and the disk is {each.access}",
                "VMs on other nodes could not attach it",
                "use a class with ReadWriteMany and Block",
            )


@check("cilium", "network")
def exposed_vms_have_addresses(p: Platform) -> Iterator[Fault]:
    """An address of the load balancer is one of its pool, and of one VM."""
    owners: dict[object, str] = {}
    pools = p.cilium.load_balancer.pool if p.cilium.load_balancer else ()
    for name, vm in p.vms.items():
        wanted = vm.expose.load_balancer if vm.expose else False
        if vm.expose and name[0].isdigit():
            yield fault(
                ("vms", name),
                f"{name!r} starts with a digit, and expose makes a Service of that name",
                "Kubernetes accepts only names of Services that start with a letter",
                f"use another name, e.g. vm-{name}, or remove expose",
            )
        if wanted is False:
            continue
        path = ("vms", name, "expose", "load_balancer")
        if not pools:
            yield fault(
                path,
                "is set, and there is no pool of addresses",
                "Cilium gives a Service an address of its pools",
                "write cilium.load_balancer.pool",
            )
        elif wanted is not True and not any(wanted in pool for pool in pools):
            yield fault(
                path,
                f"{wanted} is in none of cilium.load_balancer.pool",
                "Cilium gives a Service an address of its pools",
                "use an address of a pool, or true for any of them",
            )
        elif wanted is not True and owners.setdefault(wanted, name) != name:
            yield fault(
                path,
                f"{wanted} is already that of VM {owners[wanted]}",
                "packets to it would reach one of the two",
                "use a different address for each",
            )
