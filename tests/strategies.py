"""Platforms as hypothesis makes them: always right in themselves, as various as the model allows."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from core.facts.versions import CURRENT

NAMES = st.from_regex(r"\A[a-z][a-z0-9-]{0,10}[a-z0-9]\Z")
LABELS = st.dictionaries(st.from_regex(r"\A[a-z][a-z0-9]{0,8}\Z"), st.from_regex(r"\A[a-z0-9]{0,8}\Z"), max_size=3)
COMBINATIONS = (
    {"version": "v1.12.0", "kubernetes": "v1.34.2"},
    {"version": "v1.12.11", "kubernetes": "v1.35.0"},
    {"version": "v1.13.9", "kubernetes": "v1.35.4"},
    {"version": "v1.14.2", "kubernetes": "v1.35.4"},
)


@st.composite
def disks(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A serial of its own, or what equal servers share."""
    return draw(
        st.sampled_from(
            [
                {"serial": f"SERIAL-{number}"},
                {"wwid": f"eui.{number:016x}"},
                {"model": "MZ7L3480*", "size": "<= 480GB"},
                {"serial": f"SERIAL-{number}", "type": "nvme"},
            ]
        )
    )


PORTS = st.integers(20_000, 29_999).map(int) | st.integers(20_000, 29_000).map(lambda first: f"{first}-{first + 90}")
QUANTITIES = st.sampled_from(["512Mi", "4Gi", "1Ti"])
AUTHORITY = (Path(__file__).parent / "model/authority.pem").read_text(encoding="utf-8")


@st.composite
def openings(draw: st.DrawFn) -> dict[str, Any]:
    """Firewall openings, none of them for a port of the platform's own."""
    ports: list[Any] = [draw(PORTS)]
    return {
        "ports": ports,
        "protocol": draw(st.sampled_from(["tcp", "udp"])),
        "sources": draw(st.sampled_from([["0.0.0.0/0"], ["198.51.100.0/24", "203.0.113.0/25"]])),
    }


# What the layers below Kubernetes get besides, in a machine or for all.
SHARED: list[dict[str, Any]] = [
    {"sysctls": {"net/ipv4/conf/eth0.5/mc_forwarding": "1", "net.core.somaxconn": "4096"}},
    {"containerd": {"io.containerd.cri.v1.images": {"discard_unpacked_layers": False, "own": {"deep": ["a", "b"]}}}},
    {"containerd": {"io.containerd.cri.v1.runtime": {}, "io.containerd.gc.v1.scheduler": {"number": 3}}},
    {"kubelet_mounts": {"/var/lib/longhorn": {}, "/var/local/models": {"read_only": True}}},
]


@st.composite
def tunings(draw: st.DrawFn) -> dict[str, Any]:
    """What a machine is given beneath Kubernetes."""
    made: dict[str, Any] = {}
    if draw(st.booleans()):
        made["sysctls"] = draw(
            st.dictionaries(
                st.sampled_from(["vm.nr_hugepages", "net.core.somaxconn", "kernel.kptr_restrict"]), st.just("2")
            )
        )
    if draw(st.booleans()):
        made["modules"] = draw(
            st.dictionaries(st.sampled_from(["vfio_pci", "nvme_tcp", "dm_thin_pool"]), st.sampled_from([[], ["a=1"]]))
        )
    if draw(st.booleans()):
        made |= draw(st.sampled_from(SHARED))
    if draw(st.booleans()):
        made["watchdog"] = draw(st.sampled_from([{}, {"device": "/dev/watchdog1", "seconds": 10}]))
    return made


@st.composite
def volumes(draw: st.DrawFn, machine: int) -> dict[str, Any]:
    """Volumes of a machine, by its number, on disks of their own."""
    names = draw(st.lists(NAMES, max_size=2, unique=True))
    return {
        name: {
            "disk": {
                "serial": f"DATA-{machine}-{number}",
                **draw(st.sampled_from([{}, {"type": "hdd"}, {"type": "ssd", "size": ">= 2TB"}])),
            },
            "filesystem": draw(st.sampled_from(["xfs", "ext4", "none"])),
            **draw(st.sampled_from([{}, {"max": "2Ti"}, {"min": "100Gi"}])),
        }
        for number, name in enumerate(names)
    }


@st.composite
def hosts(draw: st.DrawFn) -> dict[str, Any]:
    """What talos: says of all machines beneath Kubernetes."""
    made: dict[str, Any] = draw(tunings())
    if draw(st.booleans()):
        made["firewall"] = {
            "admins": draw(st.sampled_from([[], ["198.51.100.0/24"]])),
            "allow": draw(st.dictionaries(NAMES, openings(), max_size=2)),
        }
    elif draw(st.booleans()):
        made["firewall"] = {"enabled": False}
    if draw(st.booleans()):
        made["logs"] = draw(
            st.sampled_from(
                [["tcp://logs.example.com:5044"], ["udp://198.51.100.7:514", "tcp://logs.example.com:5044"]]
            )
        )
    if draw(st.booleans()):
        made["trusted_roots"] = {"site": AUTHORITY}
    if draw(st.booleans()):
        made["reserved"] = {"cpu": draw(st.sampled_from(["2", "500m"])), "memory": draw(QUANTITIES)}
    if draw(st.booleans()):
        made["extras"] = {
            "serving_certificates": draw(st.sampled_from(["self-signed", "cluster"])),
            "always_pull": draw(st.booleans()),
        }
    return made


SCHEMATICS = st.sampled_from(
    [
        "ab" * 32,
        {"extensions": ["siderolabs/zfs", "siderolabs/iscsi-tools"]},
        {"kernel_args": ["hugepages=64", "-console"]},
        {"extensions": [], "kernel_args": ["console=ttyS1"]},
    ]
)
Net = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Site:
    """The node networks of a platform."""

    planes: Net
    """Where the control planes are."""
    workers: Net
    """The same, or the network of another rack."""
    second: IPv6Network | None = None
    """The IPv6 network of a platform of IPv4 and IPv6."""

    @property
    def every(self) -> list[Net]:
        """Each network once."""
        return list(dict.fromkeys([self.planes, self.workers, *([self.second] if self.second else [])]))


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Node networks with room for eight machines, the virtual IP and a pool of load balancers in each."""
    address = draw(st.sampled_from(["10.20.0.0", "192.168.4.0", "172.30.8.0"]))
    v4: Net = IPv4Network((address, draw(st.integers(22, 26))), strict=False)
    v6 = IPv6Network("fd00:20::/64")
    return draw(
        st.sampled_from(
            [Site(v4, v4), Site(v4, v4), Site(v6, v6), Site(v4, v4, v6), Site(v4, ip_network("172.20.4.0/24"))]
        )
    )


ROUTERS = st.sampled_from([{}, {"metric": 1}, {"metric": 4_294_967_295}])


@st.composite
def nics(draw: st.DrawFn, number: int, boot: str, network: Net) -> dict[str, Any]:
    """A bond with the boot link, a VLAN with an address, and where it is drawn bridges over them and routes."""
    size = draw(st.integers(1500, 9216))
    away = {"to": "172.28.0.0/16", "via": f"172.29.{number}.254", **draw(ROUTERS)}
    made: dict[str, Any] = {
        "links": {"data0": {"mac": f"52:54:00:00:09:{number:02x}"}},
        "bonds": {"bond0": {"links": [boot, "data0"], "mtu": size}},
        "vlans": {"store": {"parent": "bond0", "id": draw(st.integers(2, 4094)), "address": f"172.29.{number}.1/24"}},
    }
    if draw(st.booleans()):
        made["vlans"]["store"]["routes"] = [away]
    if draw(st.booleans()):
        made["bonds"]["bond0"]["lacp_rate"] = draw(st.sampled_from(["slow", "fast"]))
    if draw(st.booleans()):
        made["links"]["far0"] = draw(
            st.sampled_from(
                [
                    {"bus_path": "0000:65:00.0", "dhcp": True},
                    {
                        "driver": "mlx5_core",
                        "mtu": 65520,
                        "address": f"172.25.{number}.1/24",
                        "routes": [
                            {"to": f"172.24.{number}.0/24", "on_link": True},
                            {"to": "172.23.0.0/16", "via": f"172.24.{number}.9"},
                        ],
                    },
                    {"mac": f"52:54:00:00:0a:{number:02x}", "address": f"fd00:25:{number:x}::1/64"},
                ]
            )
        )
    if draw(st.booleans()):
        made["vlans"]["guests"] = {"parent": draw(st.sampled_from(["bond0", "br0"])), "id": 1}
        made["bridges"] = {
            "br0": {
                "links": ["bond0"],
                "mtu": draw(st.sampled_from([1500, size])),
                "vlan_filtering": draw(st.booleans()),
            },
            "br1": {
                "links": ["guests"],
                "stp": draw(st.booleans()),
                **draw(st.sampled_from([{}, {"address": f"172.27.{number}.1/24"}])),
            },
        }
        if draw(st.booleans()):
            made["bridges"]["br0"]["routes"] = [
                {
                    "to": "172.26.0.0/16" if network.version == 4 else "fd00:26::/48",
                    "via": str(network.network_address + 2),
                    **draw(ROUTERS),
                }
            ]
    return made


@st.composite
def machines(draw: st.DrawFn, names: list[str], controlplanes: int, site: Site, booted: bool) -> dict[str, Any]:
    """Machines by name, the first ones of them control planes; with `booted`, each has a MAC."""
    made: dict[str, Any] = {}
    for number, name in enumerate(names):
        network = site.planes if number < controlplanes else site.workers
        machine: dict[str, Any] = {
            "role": "controlplane" if number < controlplanes else "worker",
            "address": str(network.network_address + 10 + number),
            "install": {"disk": draw(disks(number))},
        }
        if site.second and draw(st.booleans()):
            machine["ipv6"] = str(site.second.network_address + 10 + number)
        if booted or draw(st.booleans()):
            machine["mac"] = f"52:54:00:00:00:{number:02x}"
        else:
            machine["link"] = draw(st.sampled_from(["eth0", "enp1s0"]))
        if draw(st.booleans()):
            machine["nics"] = draw(nics(number, machine.get("link", "lan0"), network))
        if draw(st.booleans()):
            machine["labels"] = draw(LABELS)
        if draw(st.booleans()):
            machine["schematic"] = draw(SCHEMATICS)
        if draw(st.booleans()):
            machine["arch"] = draw(st.sampled_from(["amd64", "arm64"]))
        if draw(st.booleans()):
            machine["taints"] = {"dedicated": "vms:NoSchedule"}
        if draw(st.booleans()):
            machine |= {**draw(tunings()), "volumes": draw(volumes(number))}
        made[name] = machine
    return made


@st.composite
def oses(draw: st.DrawFn, names: list[str], controlplanes: int) -> dict[str, Any]:
    """The talos section of a platform whose first machines are control planes."""
    made: dict[str, Any] = {"contract": "v1.12", **draw(st.sampled_from(COMBINATIONS)), **draw(hosts())}
    if controlplanes > 1:
        made["bootstrap"] = draw(st.sampled_from(names[:controlplanes]))
    made["schedulable_control_planes"] = controlplanes == len(names) or draw(st.booleans())
    made["disk_encryption"] = draw(st.sampled_from(["tpm", "kms", "node-id", "none"]))
    if made["disk_encryption"] == "kms":
        made["kms"] = "https://kms.example.com:4050"
    if made["disk_encryption"] != "node-id" and draw(st.booleans()):
        made["schematic"] = {"secureboot": True}
    if draw(st.booleans()):
        made["patches"] = [{"machine": {"sysctls": {"net.core.somaxconn": "4096"}}}]
    return made


@st.composite
def registries(draw: st.DrawFn) -> dict[str, Any]:
    """A mirror, in some cases with an authority and a password."""
    made: dict[str, Any] = {"mirrors": {"docker.io": {"endpoints": ["https://mirror.example.com"]}}}
    if draw(st.booleans()):
        made |= {"tls": {"mirror.example.com": {"ca": AUTHORITY}}, "auth": ["mirror.example.com"]}
    return made


CHECKSUM = f"sha256:{'0a' * 32}"
# Where the disks of VMs are, and what they are filled from.
STORAGE = {"classes": {"ceph": {"provisioner": "rook-ceph.rbd.csi.ceph.com"}}}
ROOTS: list[dict[str, Any]] = [
    {"size": "20Gi", "from": {"http": {"url": "https://images.example.com/a.qcow2", "checksum": CHECKSUM}}},
    {"size": "1Ti", "from": {"registry": {"image": f"quay.io/a/b:1@{CHECKSUM}"}}, "mode": "Filesystem"},
    {"size": "1Mi", "from": {"blank": True}, "access": "ReadWriteOnce", "keep": False, "bus": "sata"},
    {"size": "4096Ti", "from": {"claim": {"name": "golden", "namespace": "images"}}},
    {"size": "3Gi", "from": {"upload": True}, "cdrom": True},
]
FIRMWARES = [{}, {"efi": True}, {"efi": True, "persistent": True, "tpm": True}, {"tpm": True}]


@st.composite
def virtual_machines(draw: st.DrawFn) -> dict[str, Any]:
    """Virtual machines by name: such that keep nothing, and such with disks."""
    made: dict[str, Any] = {}
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        vm = {"cpu": draw(st.integers(1, 64)), "memory": f"{draw(st.integers(1, 64))}Gi"}
        if draw(st.booleans()):
            vm |= {"ephemeral": True, "image": "registry.example.com/disks/fedora:42"}
        else:
            vm |= {"disk": draw(st.sampled_from(ROOTS)), "firmware": draw(st.sampled_from(FIRMWARES))}
            vm["restart"] = draw(st.sampled_from(["always", "on-failure", "never"]))
            if draw(st.booleans()):
                vm["ports"] = draw(st.sampled_from([[443], ["53/udp", 53]]))
            if len(name) < 50 and draw(st.booleans()):
                vm["disks"] = {"d": draw(st.sampled_from([{"size": "1Gi"}, {"size": "1Gi", "cdrom": True}]))}
        made[name] = vm
    # The claim of one VM's disk d could be that of another one's first disk.
    return {name: vm for name, vm in made.items() if f"{name}-d" not in made}


CLASSES: list[dict[str, Any]] = [
    {"provisioner": "rook-ceph.rbd.csi.ceph.com", "snapshots": "ceph"},
    {"provisioner": "driver.longhorn.io", "parameters": {"migratable": "true", "numberOfReplicas": "3"}},
    {"provisioner": "driver.longhorn.io", "modes": ["RWO Filesystem", "RWX Filesystem"]},
    {"provisioner": "nfs.csi.k8s.io", "parameters": {"server": "nas.example.com", "share": "/srv/vms"}},
    {"provisioner": "csi.trident.netapp.io", "parameters": {"backendType": "ontap-san"}},
    {"provisioner": "ceph-prod.rbd.csi.ceph.com", "modes": ["RWX Block", "RWO Filesystem"]},
    {"provisioner": "kubernetes.io/no-provisioner", "modes": ["RWO Block"], "binding": "WaitForFirstConsumer"},
]


@st.composite
def storages(draw: st.DrawFn) -> dict[str, Any]:
    """Local volumes, in some cases with classes from elsewhere and a default among them."""
    made: dict[str, Any] = {"local": draw(st.sampled_from([{}, {"default": False}, {"volume": "fast"}]))}
    named = draw(st.lists(NAMES.map(lambda name: f"c-{name}"), max_size=3, unique=True))
    made["classes"] = {name: draw(st.sampled_from(CLASSES)) for name in named}
    if draw(st.booleans()):
        made["default"] = draw(st.sampled_from(["local", *named]))
    return made


@st.composite
def exceptions(draw: st.DrawFn, talos: dict[str, Any]) -> list[dict[str, Any]]:
    """Recorded exceptions, among them those that the talos section requires."""
    controls = draw(st.lists(st.sampled_from(["KSPP", "CIS 1.2.15", "CIS 4.2.13"]), max_size=2, unique=True))
    if talos.get("extras", {}).get("serving_certificates") == "self-signed":
        controls += ["CIS 1.2.5", "CIS 4.2.9", "CIS 4.2.11"]
    return [
        {"control": control, "reason": "It is looked into by the vendor.", "until": "2027-03-31", "ticket": "OPS-1"}
        for control in controls
    ]


def _architectures(platform: dict[str, Any]) -> list[str]:
    """Architectures of the machines that run workloads."""
    schedulable = platform["talos"]["schedulable_control_planes"]
    runs = [m for m in platform["machines"].values() if schedulable or m["role"] == "worker"]
    return sorted({machine.get("arch", "amd64") for machine in runs})


@st.composite
def addresses(draw: st.DrawFn, site: Site, static: bool) -> dict[str, Any]:
    """The network section of a platform with these node networks; static: with a gateway for each of them."""
    address = str(site.planes.network_address + 5)
    made: dict[str, Any] = {
        "nodes": [str(network) for network in site.every] if len(site.every) > 1 else str(site.planes),
        **draw(
            st.sampled_from(
                [
                    {"endpoint": address},
                    {"endpoint": "k8s.example.com", "vip": address},
                    {"endpoint": "k8s.example.com:443"},
                    {"endpoint": "198.51.100.5", "vip": "none"},
                ]
            )
        ),
        "resolvers": draw(st.sampled_from([["10.0.0.2"], ["10.0.0.2", "2001:db8:53::1"]])),
    }
    # Machines with static addresses ask these for the name of the endpoint.
    if made["endpoint"] == address and draw(st.booleans()):
        del made["resolvers"]
    if site.planes.version == 6:
        made |= {"pods": "fd00:244::/56", "services": "fd00:96::/112"}
    if site.second:
        made |= {"pods": ["10.244.0.0/16", "fd00:244::/56"], "services": ["10.96.0.0/12", "fd00:96::/112"]}
    if static:
        routers = [str(network.network_address + 1) for network in site.every]
        made["gateway"] = routers if len(routers) > 1 else routers[0]
    if draw(st.booleans()):
        made["time"] = draw(st.sampled_from([["ntp.example.com"], ["2001:db8:53::123"]]))
    return made


@st.composite
def platforms(draw: st.DrawFn) -> dict[str, Any]:
    """The raw mapping of a stack file that must be accepted."""
    site, booted = draw(sites()), draw(st.booleans())
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    controlplanes = draw(st.sampled_from([n for n in (1, 3, 5) if n <= len(names)]))
    talos = draw(oses(names, controlplanes))
    platform: dict[str, Any] = {
        "name": draw(NAMES),
        "talos": talos,
        "network": draw(addresses(site, talos["disk_encryption"] != "kms" and draw(st.booleans()))),
        "machines": draw(machines(names, controlplanes, site, booted)),
        "cilium": {
            "version": draw(st.sampled_from(["1.19.6", "1.20.0"])),
            "encryption": draw(st.sampled_from(["wireguard", "none"])),
            "values": draw(st.sampled_from([{}, {"bpf": {"masquerade": True}}, {"hubble": {"ui": {"enabled": True}}}])),
        },
    }
    if booted:
        platform["boot"] = {"matchbox": {"endpoint": "matchbox.example.com:8081"}}
    if draw(st.booleans()):
        platform["registries"] = draw(registries())
    if draw(st.booleans()):
        first = site.planes.network_address
        platform["cilium"]["load_balancer"] = {"pool": f"{first + 40}-{first + 50}"}
    if draw(st.booleans()):
        platform["storage"] = draw(storages())
    if draw(st.booleans()):
        platform["kubevirt"] = {"version": CURRENT["kubevirt"]}
        drawn = platform.get("storage", {})
        named = {**drawn.get("classes", {}), **STORAGE["classes"]}
        platform |= {"storage": {**drawn, "classes": named, "default": "ceph"}, "vms": draw(virtual_machines())}
        if draw(st.booleans()):
            platform["cdi"] = {}
        for vm in platform["vms"].values():
            vm["arch"] = draw(st.sampled_from(_architectures(platform)))
    platform["exceptions"] = draw(exceptions(platform["talos"]))
    return platform
