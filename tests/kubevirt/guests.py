"""Virtual machines as stack files declare them: seeded, right in themselves, and at the bounds of the model."""

import random
import string
from collections.abc import Mapping
from typing import Any

from core.manifests import golden
from core.manifests import virtual_machine as machine
from core.manifests.disk import data_volume
from core.manifests.kubevirt import kubevirt
from core.model import Platform
from core.model.claims import claims
from core.model.guest import MOST_GUEST_CPUS

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1oF1eCk9Yw1CvE8m3hQ0Zb2p9mP0bQ0p6r8x9y0z1a ops@example.com"
IMAGES = (
    "quay.io/containerdisks/fedora:42",
    "registry.example.com:5000/disks/debian:13",
    f"quay.io/containerdisks/fedora:42@sha256:{'0a' * 32}",
)
MEMORY = ("32Mi", "33Mi", "511Mi", "1Gi", "1025Mi", "4Gi", "24Gi", "1Ti", "64Ti")
CLOUD_INIT: tuple[dict[str, Any], ...] = (
    {},
    {"hostname": "web", "runcmd": [["systemctl", "start", "web"]]},
    {"write_files": [{"path": "/etc/motd", "content": "x" * 8000}]},
)


CLASSES: dict[str, dict[str, Any]] = {
    "ceph": {"provisioner": "rook-ceph.rbd.csi.ceph.com", "default": True, "snapshots": "ceph-snapshots"},
    "files": {"provisioner": "nfs.csi.k8s.io"},
    "blocks": {"provisioner": "driver.longhorn.io", "parameters": {"migratable": "true"}},
    "own": {"provisioner": "zfs.csi.openebs.io", "modes": ["RWO Filesystem", "RWO Block"]},
}
NETWORKS: dict[str, dict[str, Any]] = {
    "dmz": {"link": "lan0", "vlan": 20, "subnet": "10.70.0.0/16", "gateway": "10.70.0.1", "resolvers": ["10.70.0.2"]},
    "lab-2": {"link": "lan0", "vlan": 4094},
    "twelve-chars": {"link": "lan0", "vlan": 1, "subnet": "fd00:70::/64", "gateway": "fd00:70::1"},
}
"""Networks of the site of every sort."""
STORAGE: dict[str, Any] = {"local": {"default": False}, "classes": CLASSES}
"""Classes of every sort."""
SOURCES: tuple[dict[str, Any], ...] = (
    {"http": {"url": "https://images.example.com/fedora-42.qcow2", "checksum": f"sha256:{'0a' * 32}"}},
    {"http": {"url": "https://images.example.com:8443/a/b.raw.xz", "checksum": f"sha512:{'0a' * 64}"}},
    {"http": {"url": "https://192.0.2.7/a.vmdk", "checksum": f"sha256:{'0a' * 32}", "secret": "login"}},
    {"registry": {"image": f"quay.io/containerdisks/fedora:42@sha256:{'0a' * 32}"}},
    {"registry": {"image": f"registry.example.com:5000/disks/debian@sha256:{'0b' * 32}"}},
    {"s3": {"url": "https://s3.example.com/images/fedora-42.qcow2", "secret": "login"}},
    {"claim": {"name": "golden"}},
    {"claim": {"name": "golden", "namespace": "images"}},
    {"snapshot": {"name": "yesterday"}},
    {"image": "fedora"},
    {"image": "followed"},
    {"upload": True},
    {"blank": True},
)


IMAGES_OF_DISKS: dict[str, dict[str, Any]] = {
    "fedora": {"size": "1Mi", **SOURCES[0]},
    "blocks": {"size": "4096Ti", "class": "blocks", **SOURCES[1]},
    "pulled": {"size": "20Gi", "class": "own", "registry": SOURCES[3]["registry"]},
    "s3": {"size": "20Gi", "class": "files", "s3": SOURCES[5]["s3"]},
    "followed": {"size": "1Mi", "registry": {"image": IMAGES[0]}, "refresh": "0 3 * * 1"},
    "a" * 40: {"size": "1Mi", "class": "local", "registry": {"image": IMAGES[1]}, "refresh": "59 23 1,15 1-12/2 0,6"},
}
"""Golden images of every sort."""


class Guests:
    """Declares virtual machines of every kind. Equal seeds declare equal ones."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._claims = 0
        self._hosts = self._groups = 0

    def declared(self, count: int) -> dict[str, dict[str, Any]]:
        """Virtual machines by name, as a stack file has them."""
        made: dict[str, dict[str, Any]] = {}
        while len(made) < count:
            made[self._name()] = self._ephemeral() if self._chance.random() < 0.2 else self._kept()
        return made

    def _ephemeral(self) -> dict[str, Any]:
        pick = self._chance.choice
        size = pick((*MEMORY, f"{self._chance.randint(1, 512)}Gi"))
        cpu = pick((1, 2, 3, 16, 255, 512, self._chance.randint(1, 512)))
        return {"ephemeral": True, "image": pick(IMAGES), "cpu": cpu, "memory": size, **self._any()}

    def _any(self) -> dict[str, Any]:
        """What VMs of both kinds have."""
        pick, odds = self._chance.choice, self._chance.random
        return {
            **({"namespace": self._name()} if odds() < 0.5 else {}),
            **({"running": pick((True, False))} if odds() < 0.3 else {}),
            **({"ssh_keys": [KEY]} if odds() < 0.3 else {"cloud_init": pick(CLOUD_INIT)}),
            **({"ports": pick(([80], [443, "53/udp"], [1, 65535]))} if odds() < 0.5 else {}),
        }

    def _kept(self) -> dict[str, Any]:
        pick, odds = self._chance.choice, self._chance.random
        more = self._any()
        if more.get("ports") and "probes" not in more and self._chance.random() < 0.5:
            ways = ({"tcp": 22, "after": 3600}, {"http": {"port": 8080, "path": "/healthz?full=1"}, "every": 1})
            more["probes"] = {"ready": self._chance.choice(ways), "alive": self._chance.choice(ways)}
        return {
            **self._nics(bool(more.get("ports"))),
            "disk": _in_its_class({**self._disk(), "from": pick(SOURCES)}),
            "disks": {name: self._data_disk() for name in {self._name(10) for _ in range(self._chance.randint(0, 4))}},
            "cpu": self._cpu(),
            "memory": self._memory(),
            **({"firmware": self._firmware()} if odds() < 0.5 else {}),
            **({"restart": pick(("always", "on-failure", "never", "manual"))} if odds() < 0.3 else {}),
            **self._placed(),
            **more,
        }

    def _placed(self) -> dict[str, Any]:
        """Groups, probes and a watchdog."""
        pick, odds = self._chance.choice, self._chance.random
        place: dict[str, Any] = {"together": self._name(20)} if odds() < 0.3 else {}
        if odds() < 0.3:
            self._groups += 1
            place |= {"apart": f"group-{self._groups}", "zones": pick((True, False))}
        ways: tuple[dict[str, Any], ...] = (
            {"agent": True},
            {"agent": True, "every": 3600, "failures": 1000, "after": 0},
        )
        probes = {key: pick(ways) for key in ("ready", "alive") if odds() < 0.3}
        return {
            **({"place": place} if place else {}),
            **({"probes": probes} if probes else {}),
            **({"watchdog": pick(("reset", "poweroff", "shutdown"))} if odds() < 0.2 else {}),
        }

    def _nics(self, has_ports: bool) -> dict[str, Any]:
        """Links in none, some or all networks of the site; with an address, over DHCP, or without the pod network."""
        odds = self._chance.random
        nics: dict[str, dict[str, Any]] = {network: {} for network in NETWORKS if odds() < 0.3}
        self._hosts += 1
        if "dmz" in nics and odds() < 0.7:
            nics["dmz"] = {"address": f"10.70.{1 + self._hosts // 200}.{1 + self._hosts % 200}"}
            nics["dmz"] |= {"default_route": True} if not has_ports and odds() < 0.5 else {}
        if "twelve-chars" in nics and odds() < 0.5:
            nics["twelve-chars"] = {"address": f"fd00:70::{16 + self._hosts:x}"}
        alone = {"pod_network": False} if nics and not has_ports and odds() < 0.3 else {}
        return {"nics": nics, **alone} if nics else {}

    def _disk(self) -> dict[str, Any]:
        pick, odds = self._chance.choice, self._chance.random
        return {
            "size": pick(("1Mi", "20Gi", "1Ti", "4096Ti")),
            **({"class": pick((*CLASSES, "local"))} if odds() < 0.6 else {}),
            **({"bus": pick(("virtio", "sata", "scsi"))} if odds() < 0.5 else {}),
            **({"keep": False} if odds() < 0.2 else {}),
        }

    def _data_disk(self) -> dict[str, Any]:
        odds = self._chance.random
        disk = {**self._disk(), **({"from": self._chance.choice(SOURCES)} if odds() < 0.5 else {})}
        if odds() < 0.2:
            self._claims += 1
            disk = {"claim": f"data-{self._claims}", **({"access": "ReadWriteMany"} if odds() < 0.5 else {})}
        return _in_its_class({**disk, **({"cdrom": True} if odds() < 0.3 else {})})

    def _cpu(self) -> int | dict[str, Any]:
        count, odds = self._chance.randint, self._chance.random
        if odds() < 0.3:
            return self._chance.choice((1, 2, 255, 512))
        sockets = count(1, 8)
        most = {"max": self._chance.choice((sockets, sockets * 2, 64))} if odds() < 0.5 else {}
        threads = count(1, 2)
        cores = count(1, min(16, MOST_GUEST_CPUS // (max(sockets, most.get("max", 0)) * threads)))
        return {"sockets": sockets, "cores": cores, "threads": threads, **most}

    def _memory(self) -> str | dict[str, Any]:
        size = self._chance.choice((*MEMORY, "2Gi", "1026Mi"))
        if self._chance.random() < 0.5 or size in ("32Mi", "33Mi", "511Mi", "1025Mi", "1Ti", "64Ti"):
            return size
        return {"size": size, "max": self._chance.choice((size, "64Gi", "1Ti"))}

    def _firmware(self) -> dict[str, bool]:
        odds = self._chance.random
        efi = {key: odds() < 0.5 for key in ("secure_boot", "persistent")} if odds() < 0.7 else {}
        return {"efi": bool(efi), **efi, "tpm": odds() < 0.3}

    def _name(self, most: int = 50) -> str:
        """A DNS label that starts with a letter."""
        length = self._chance.choice([each for each in (1, 2, 8, 20, 50) if each <= most])
        inner = "".join(self._chance.choices(string.ascii_lowercase + string.digits + "-", k=length))
        return f"a{inner[1:-1]}z" if length > 1 else self._chance.choice(string.ascii_lowercase)


def _in_its_class(disk: dict[str, Any]) -> dict[str, Any]:
    """A disk in a class that has snapshots, if it is made from one."""
    return {**disk, "class": "ceph"} if "snapshot" in disk.get("from", {}) else disk


def objects(platform: Platform) -> dict[str, dict[str, Any]]:
    """The VirtualMachine objects of a platform, by name."""
    return {name: machine.virtual_machine(platform, name) for name in platform.vms}


def disks(platform: Platform) -> list[dict[str, Any]]:
    """The DataVolume objects of a platform's VMs."""
    every = (claim for name in platform.vms for claim in claims(platform, name))
    return [data_volume(claim) for claim in every if claim.is_made]


def images(platform: Platform) -> list[dict[str, Any]]:
    """The objects of CDI of a platform's golden images that its webhooks judge."""
    return [
        golden.import_cron(platform, name) if each.refresh else golden.volume(platform, name)
        for name, each in platform.golden.items()
    ]


def admission(platform: Platform, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the judge is asked of an object on a platform's cluster (toolchain/parts/vm-judge/main.go)."""
    return {"ask": "admit", "kubevirt": kubevirt(platform), "object": manifest}


def copied(namespace: str) -> list[dict[str, Any]]:
    """The claim and the snapshot that disks are copied from."""
    claim = {"resources": {"requests": {"storage": "1Mi"}}, "accessModes": ["ReadWriteOnce"]}
    return [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": claim}
        | {"metadata": {"name": "golden", "namespace": namespace}},
        {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot"}
        | {"metadata": {"name": "yesterday", "namespace": namespace}},
    ]
