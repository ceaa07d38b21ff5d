"""What a rehearsal needs before it starts: binaries, images, the root of the nodes, the stand-in chart."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from toolchain import absent, ensure

from . import images, preflight, rootfs, speed
from .images import Image
from .layout import Layout
from .order import Order
from .platform_images import platform_images
from .spec import Host
from .topology import Topology

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
LOCK = CHECKOUT / "toolchain" / "lock.toml"


@dataclass(frozen=True)
class Versions:
    """The releases that the toolchain builds, as nodes and images name them."""

    talos: str
    kubernetes: str
    etcd: str
    coredns: str
    kubevirt: str
    cdi: str
    cilium: str
    """Without a v, as its chart has it."""


# Field of Versions to the part whose version it is.
_PARTS = {part: part for part in ("kubernetes", "etcd", "coredns", "kubevirt", "cdi")} | {"talos": "machined"}


def versions(lock: Path = LOCK) -> Versions:
    """Read from the toolchain's lock, so that no version is written twice."""
    parts = tomllib.loads(lock.read_text())
    named = {field: f"v{parts[part]['version']}" for field, part in _PARTS.items()}
    return Versions(**named, cilium=parts["cilium"]["version"])


# The Kubernetes programs that run on machines. Linked a second time with the next version number, they are the release
# that a rehearsal upgrades to.
MOVED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")


def next_kubernetes(lock: Path = LOCK) -> str:
    """The release of the programs of `MOVED` that have the next number."""
    flags = tomllib.loads(lock.read_text())["kubernetes-next"]["outputs"]["kubelet-next"]["ldflags"]
    match = re.search(r"gitVersion=(v[\d.]+)", flags)
    assert match is not None, "the lock links kubelet-next without its version"
    return match[1]


def binaries(*names: str) -> dict[str, Path]:
    """The paths of everything that a lab is made of, by name, built if it is missing."""
    return dict(ensure(set(names) or {"lab"}))


# About how long the parts of virtual machines take to build, on two cores with nothing beside.
BUILD_MINUTES = 20


def provided(*names: str, more: Sequence[str], say: Callable[[str], None]) -> dict[str, Path]:
    """Paths by name, as `binaries` returns, after a line about what of `more` is built first, and for how long."""
    if parts := absent(more):
        say(
            f"first, what runs virtual machines is built, once: {', '.join(part.name for part in parts)}; "
            f"all of it takes about {BUILD_MINUTES} minutes on two cores. --without-vms rehearses without it"
        )
    return binaries(*names, *more)


def order(
    layout: Layout,
    topology: Topology,
    built: Mapping[str, Path],
    host: Host | None = None,
    *,
    stand_ins: Mapping[str, Sequence[str]] | None = None,
    talosctl: Sequence[str] = (),
    more: Sequence[Image] = (),
    runtime: str = "",
) -> Order:
    """Make the images and the root file system that are missing, and the order for the lab's supervisor.

    more: images of this stack alone.
    runtime: docker or podman, where nodes are containers of the official image and need no root built here.
    """
    host, releases = host or preflight.host(), versions()
    nft = shutil.which("nft")
    images.Store(layout.store / "images").add(
        [
            *platform_images(
                built,
                kubernetes=releases.kubernetes,
                etcd=releases.etcd,
                coredns=releases.coredns,
                nft=Path(nft) if nft else None,
                stand_ins=stand_ins,
                talosctl=talosctl,
            ),
            *more,
        ]
    )
    if all(f"{name}-next" in built for name in MOVED):
        # Only these programs have a second release.
        moved = {"lab-tools": built["lab-tools"], **{name: built[f"{name}-next"] for name in MOVED}}
        images.Store(layout.store / "images").add(
            platform_images(moved, kubernetes=next_kubernetes(), etcd="", coredns="")
        )
    if runtime:
        certify(layout, topology, built["lab-tools"])
        return Order(topology, host, "", "", runtime, releases.talos)
    root = rootfs.build(layout.store, built, talos=releases.talos, user_namespace=host.user_namespace)
    certify(layout, topology, built["lab-tools"])
    return Order(topology, host, str(root), str(built["runc"]))


def certify(layout: Layout, topology: Topology, tools: Path) -> None:
    """Make a new certificate for the lab's registry, by an authority whose key is not kept."""
    layout.pki.mkdir(mode=0o700, parents=True, exist_ok=True)
    subprocess.run([str(tools), "pki", str(layout.pki), topology.gateway], check=True, timeout=speed.deadline(20))


def trust(layout: Layout) -> dict[str, str]:
    """The machine config document, field to value, by which nodes trust the lab's registry."""
    return {
        "apiVersion": "v1alpha1",
        "kind": "TrustedRootsConfig",
        "name": "rehearsal-registry",
        "certificates": (layout.pki / "ca.crt").read_text(),
    }


def chart(target: Path, *, version: str, replicas: int) -> Path:
    """The stand-in for Cilium under the version that the platform declares, ready to be released."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HERE / "charts" / "cilium-standin", target)
    about = yaml.safe_load((target / "Chart.yaml").read_text())
    (target / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": version, "appVersion": "stand-in"}))
    values = yaml.safe_load((target / "values.yaml").read_text())
    values["standin"] |= {"kubernetes": versions().kubernetes, "helloReplicas": replicas}
    (target / "values.yaml").write_text(yaml.safe_dump(values))
    return target
