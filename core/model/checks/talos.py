"""What holds between a machine's config and the layers around it: disks, firmware, network, images, contract."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.contracts import KINDS, given, replaced
from core.facts.kspp import FROM_EXTENSION, HARDENED, NEEDED
from core.facts.versions import minor, spell
from core.model.faults import Fault
from core.model.host import ends
from core.model.model import Platform
from core.model.ports import own_ports

from .platform import fault, needs

# The prefix of what Bedplate itself writes onto a node, exceptions among it.
_OWN_ANNOTATIONS = "bedplate/"


@needs("talos")
def kms_named(p: Platform) -> Iterator[Fault]:
    keyed = p.talos.disk_encryption == "kms"
    if keyed and p.talos.kms is None:
        yield fault(
            ("talos", "kms"),
            "is missing, and disk_encryption is kms",
            "machines must know who opens their disks",
            "write kms: https://kms.example.com:4050",
        )
    if p.talos.kms is not None and not keyed:
        yield fault(
            ("talos", "kms"),
            f"is set, and disk_encryption is {p.talos.disk_encryption}",
            "nobody would ask it",
            "write disk_encryption: kms, or leave it out",
        )


@needs("talos", "network")
def kms_reached(p: Platform) -> Iterator[Fault]:
    if p.talos.disk_encryption == "kms" and p.network.gateway is not None:
        yield fault(
            ("talos", "disk_encryption"),
            "is kms, and network.gateway gives machines static addresses",
            "those are in the config, the config is on the disk that the KMS must open, and no machine would start again",
            "leave network.gateway out and reserve the addresses in DHCP, or write disk_encryption: tpm",
        )


@needs("talos")
def firmware_fits(p: Platform) -> Iterator[Fault]:
    for name, machine in p.machines.items():
        if machine.bmc is None or machine.bmc.boot_mode != "legacy":
            continue
        where = ("machines", name, "bmc", "boot_mode")
        if p.talos.schematic.secureboot:
            yield fault(
                where,
                "is legacy, and talos.schematic.secureboot is true",
                "only UEFI checks signatures, and such an image starts nowhere else",
                "write boot_mode: uefi",
            )
        elif p.talos.disk_encryption == "tpm":
            yield fault(
                where,
                "is legacy, and talos.disk_encryption is tpm",
                "the key is sealed to measurements that only a UEFI boot makes",
                "write boot_mode: uefi, or another disk_encryption",
            )


@needs("talos")
def secureboot_keeps_its_key(p: Platform) -> Iterator[Fault]:
    if p.talos.schematic.secureboot and p.talos.disk_encryption == "node-id":
        yield fault(
            ("talos", "disk_encryption"),
            "is node-id, and talos.schematic.secureboot is true",
            "what SecureBoot protects at the next start, anyone reads from the disk with the machine's printed UUID",
            "write disk_encryption: tpm",
        )


@needs("talos", "network")
def one_layer_2(p: Platform) -> Iterator[Fault]:
    sites = {name: p.machines[name].location.site for name in p.controlplanes}
    known = sorted({site for site in sites.values() if site})
    if len(known) > 1:
        yield fault(
            ("network", "endpoint"),
            f"is held by control planes in {' and '.join(known)}",
            "a virtual IP moves within one layer 2, and a site ends it",
            "put the control planes in one site, or write one location.site where a layer 2 spans both",
        )


@needs("talos", "network", "cilium")
def firewall_openings(p: Platform) -> Iterator[Fault]:
    firewall = p.talos.firewall
    if not firewall.enabled:
        for what in ("admins", "allow"):
            if getattr(firewall, what):
                yield fault(
                    ("talos", "firewall", what),
                    "is set, and the firewall is off",
                    "all ports are open to everyone",
                    "write enabled: true, or leave it out",
                )
        return
    for index, admins in enumerate(firewall.admins):
        for what in ("pods", "services"):
            if admins.overlaps(getattr(p.network, what)):
                yield fault(
                    ("talos", "firewall", "admins", str(index)),
                    f"{admins} overlaps network.{what}",
                    "every pod could speak to the API that owns the machines",
                    "name the networks that people come from",
                )
    # One that is open to several kinds of callers is told once, as the first of them.
    own = {(port.ports, port.protocol): port for port in reversed([*own_ports(p)])}
    for name, opening in firewall.allow.items():
        where = ("talos", "firewall", "allow", name, "ports")
        spans = [ends(ports) for ports in opening.ports]
        for port in own.values():
            first, last = ends(port.ports)
            if opening.protocol == port.protocol and any(a <= last and first <= b for a, b in spans):
                instead = "name those networks in talos.firewall.admins" if port.admins else "leave it out"
                yield fault(
                    where,
                    f"{port.ports}/{port.protocol} is {port.what} own port",
                    "it is open to those who need it, and this would open it to others",
                    instead,
                )
        inside = [(a, b) for a, b in spans if any((a, b) != (c, d) and a <= d and c <= b for c, d in spans)]
        if inside or len(set(spans)) < len(spans):
            yield fault(
                where, "overlap each other", "Talos refuses a rule that names a port twice", "write each port once"
            )


@needs("talos")
def kernel_kept(p: Platform) -> Iterator[Fault]:
    excepted = {n for e in p.exceptions if e.control == "KSPP" for n in (e.machines or p.machines)}
    for where, sysctls, of in _tuned(p, "sysctls"):
        for key, value in sysctls.items():
            if key in HARDENED and value not in HARDENED[key] and not of <= excepted:
                yield fault(
                    (*where, key),
                    f"{value!r} loosens what protects the kernel",
                    "one process could read or steer another",
                    f"write {' or '.join(HARDENED[key])!s}, or record an exception to KSPP in exceptions",
                )
            if key in NEEDED and value not in NEEDED[key][0]:
                yield fault(
                    (*where, key),
                    f"{value!r} works against the network",
                    NEEDED[key][1],
                    f"write {' or '.join(NEEDED[key][0])}, or leave it out",
                )


# What a kubelet that signs for itself leaves open.
_UNPROVEN = ("CIS 1.2.5", "CIS 4.2.9", "CIS 4.2.11")


@needs("talos", "exceptions")
def kubelets_proven(p: Platform) -> Iterator[Fault]:
    if p.talos.extras.serving_certificates != "self-signed":
        return
    open_to = {c: {n for e in p.exceptions if e.control == c for n in (e.machines or p.machines)} for c in _UNPROVEN}
    lacking = [control for control in _UNPROVEN if open_to[control] < set(p.machines)]
    if lacking:
        yield fault(
            ("talos", "extras", "serving_certificates"),
            f"is self-signed, and exceptions don't record {', '.join(lacking)} for every machine",
            "whoever answers at a node's address in the kubelet's place reads what is typed into pods",
            "leave it out, or record each of them in exceptions",
        )


@needs("talos")
def modules_there(p: Platform) -> Iterator[Fault]:
    if p.talos.schematic.id is not None:
        return  # What such a schematic holds, nobody here can know.
    for where, modules, _ in _tuned(p, "modules"):
        for module in modules:
            extension = FROM_EXTENSION.get(module.replace("-", "_"))
            if extension and extension not in p.talos.schematic.extensions:
                yield fault(
                    (*where, module),
                    f"comes with the extension {extension}, which talos.schematic lacks",
                    "the kernel would find nothing to load",
                    f"add {extension} to talos.schematic.extensions",
                )


def _tuned(p: Platform, what: str) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], set[str]]]:
    """Each place where a kind of setting is made, and the machines that it is for."""
    yield ("talos", what), getattr(p.talos, what), set(p.machines)
    for name, machine in p.machines.items():
        yield ("machines", name, what), getattr(machine, what), {name}


@needs("talos")
def volumes_apart(p: Platform) -> Iterator[Fault]:
    for name, machine in p.machines.items():
        for volume, wanted in machine.volumes.items():
            where = ("machines", name, "volumes", volume)
            same = [
                key
                for key in ("serial", "wwid")
                if getattr(wanted.disk, key) and getattr(wanted.disk, key) == getattr(machine.install.disk, key)
            ]
            if same:
                yield fault(
                    (*where, "disk"),
                    f"is the disk that Talos is installed on, by its {same[0]}",
                    "Talos keeps volumes off it, and this one would never be made",
                    "name another disk",
                )
            greedy = [
                v
                for v, other in machine.volumes.items()
                if v != volume and other.disk == wanted.disk and other.max is None
            ]
            if wanted.max is None and greedy and volume > greedy[0]:
                yield fault(
                    (*where, "max"),
                    f"is missing, as it is of {greedy[0]} on the same disk",
                    "both would take all that is free, and one finds nothing left",
                    "write max for one of the two",
                )


@needs("talos")
def snapshots_kept(p: Platform) -> Iterator[Fault]:
    want = p.talos.snapshots
    where, to = ("talos", "snapshots"), want.to
    if to is not None and (to.nfs is None) == (to.claim is None):
        yield fault(
            (*where, "to"),
            "says not exactly one of nfs and claim",
            "a snapshot is written once",
            "write nfs: {server: …, path: …}, or claim: NAME",
        )
    if want.schedule is not None and to is None:
        yield fault(
            (*where, "to"),
            "is missing, and there is a schedule",
            "a snapshot inside the cluster would be lost with it",
            "write nfs: {server: …, path: …}, or claim: NAME",
        )
    if to is not None and want.schedule is None:
        yield fault(
            (*where, "schedule"),
            "is missing, and to is there",
            "nothing would ever be saved there",
            'write schedule: "0 */6 * * *", or leave to out',
        )
    if want.folder is not None and not want.before_upgrades:
        yield fault(
            (*where, "folder"),
            "is set, and before_upgrades is false",
            "nothing would ever be saved there",
            "leave one of the two out",
        )


@needs("talos")
def images_checked(p: Platform) -> Iterator[Fault]:
    if p.talos.images and minor(p.talos.contract) < KINDS["ImageVerificationConfig"]:
        yield fault(
            ("talos", "images"),
            f"is set, and the contract is {p.talos.contract}",
            "a config of that contract knows no ImageVerificationConfig, and machines would refuse it",
            f"leave it out until the contract is v{spell(KINDS['ImageVerificationConfig'])}",
        )
    seen: dict[str, int] = {}
    for index, rule in enumerate(p.talos.images):
        if rule.image in seen:
            yield fault(
                ("talos", "images", str(index), "image"),
                f"{rule.image!r} is already talos.images.{seen[rule.image]}",
                "the first rule that matches counts, so this one never does",
                "keep one of the two",
            )
        elif any(earlier in ("*", "**") for earlier in seen):
            yield fault(
                ("talos", "images", str(index), "image"),
                f"{rule.image!r} comes after *",
                "the first rule that matches counts, so this one never does",
                "write it before the one for *",
            )
        seen.setdefault(rule.image, index)


@needs("registries")
def registries_reached(p: Platform) -> Iterator[Fault]:
    plain = {
        url.split("://")[1].split("/")[0]
        for m in p.registries.mirrors.values()
        for url in m.endpoints
        if url.startswith("http://")
    }
    for host in p.registries.tls:
        if host in plain:
            yield fault(
                ("registries", "tls", host),
                f"is for {host}, which a mirror names with http://",
                "there is no certificate to check, and anyone on the path chooses what machines run",
                "write https:// in the mirror",
            )
    for index, host in enumerate(p.registries.auth):
        if host in plain:
            yield fault(
                ("registries", "auth", str(index)),
                f"{host} is a mirror named with http://",
                "its password would go over the wire in the clear",
                "write https:// in the mirror",
            )
        if host == "*":
            yield fault(
                ("registries", "auth", str(index)),
                "'*' is no host",
                "a password would be sent to every registry that is asked",
                "name the host",
            )
        if host in p.registries.auth[:index]:
            yield fault(
                ("registries", "auth", str(index)), f"{host} is named twice", "it has one user", "leave it out here"
            )


@needs("talos")
def patches_fit(p: Platform) -> Iterator[Fault]:
    contract = minor(p.talos.contract)
    for where, patch in _patches(p):
        kind = patch.get("kind")
        if isinstance(kind, str):
            since = KINDS.get(kind)
            if since is None:
                yield fault(
                    (*where, "kind"),
                    "is no kind of machine config document that Bedplate knows",
                    "Talos refuses a config with an unknown one",
                    "look it up in Talos' reference of configuration documents",
                )
            elif since > contract:
                yield fault(
                    (*where, "kind"),
                    f"{kind} exists from contract v{spell(since)} on, and this is {p.talos.contract}",
                    "the config's generator would refuse it",
                    "write the field of machine: or cluster: that it replaces",
                )
        for path, kinds in replaced(contract).items():
            if given(patch, path):
                yield fault(
                    (*where, *path.split(".")),
                    f"is said by {' and '.join(kinds)} in contract {p.talos.contract}",
                    "Talos refuses a config that says one thing twice",
                    f"write a document of kind {kinds[0]}",
                )
        if any(str(key).startswith(_OWN_ANNOTATIONS) for key in _annotations(patch)):
            yield fault(
                (*where, "machine", "nodeAnnotations") if kind is None else (*where, "annotations"),
                f"holds a key of {_OWN_ANNOTATIONS}",
                "by those, policies know which controls are excepted, and people which machine it is",
                "record an exception in exceptions, or choose another prefix",
            )


def _patches(p: Platform) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for index, patch in enumerate(p.talos.patches):
        yield ("talos", "patches", str(index)), patch
    for name, machine in p.machines.items():
        for index, patch in enumerate(machine.patches):
            yield ("machines", name, "patches", str(index)), patch


def _annotations(patch: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = patch.get("machine")
    found = (
        patch.get("annotations")
        if patch.get("kind") == "KubeNodeConfig"
        else inner.get("nodeAnnotations")
        if isinstance(inner, Mapping)
        else None
    )
    return found if isinstance(found, Mapping) else {}
