"""The images that a platform pulls, made of the binaries that were built."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import speed
from .images import Image

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def with_libraries(program: Path) -> dict[str, Path]:
    """A dynamically linked program of this computer and every library it loads, by path."""
    listed = subprocess.run(
        ["ldd", str(program)], capture_output=True, text=True, check=True, timeout=speed.deadline(20)
    )
    files = {"usr/sbin/" + program.name: program}
    for line in listed.stdout.splitlines():
        for word in line.split():
            if word.startswith("/"):
                files[word.lstrip("/")] = Path(word)
    return files


@dataclass(frozen=True)
class _Built:
    """The binaries of which images are made."""

    binaries: Mapping[str, Path]

    @property
    def tools(self) -> Path:
        """The program that stands in for many."""
        return self.binaries["lab-tools"]

    def simple(self, name: str, binary: str, **more: Any) -> list[Image]:
        """An image with one binary; none if it was not built."""
        if binary not in self.binaries:
            return []
        inside = f"usr/local/bin/{binary}"
        roots = {str(AUTHORITIES).lstrip("/"): AUTHORITIES} if AUTHORITIES.exists() else {}
        files = {inside: self.binaries[binary], **roots, **more.pop("files", {})}
        return [Image(name=name, entrypoint=[f"/{inside}"], files=files, **more)]

    def kubernetes(self, version: str) -> list[Image]:
        """The kubelet and the control plane."""
        # Talos' kubelet looks for containerd's socket under /var/run.
        kubelet = self.simple(
            f"ghcr.io/siderolabs/kubelet:{version}",
            "kubelet",
            files={f"usr/bin/{name}": self.tools for name in ("mount", "umount", "losetup")},
            links={"var/run": "../run", "bin": "usr/bin", "sbin": "usr/sbin"},
            directories=["run", "usr/sbin"],
        )
        planes = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        return kubelet + [image for name in planes for image in self.simple(f"registry.k8s.io/{name}:{version}", name)]

    def own(self) -> list[Image]:
        """The rehearsal's own images."""
        hello = Image(name="bedplate.local/hello:v1", entrypoint=["/hello"], files={"hello": self.tools}, user="65532")
        if "bridge" not in self.binaries:
            return [hello]
        plugins = {f"opt/cni/bin/{name}": self.binaries[name] for name in ("bridge", "host-local", "loopback")}
        files = {"standin": self.tools, **plugins}
        return [hello, Image(name="bedplate.local/standin:v1", entrypoint=["/standin"], files=files)]

    def stand_in(self, name: str, command: Sequence[str]) -> Image:
        """An image of this name that runs a program of lab-tools."""
        return Image(name=name, entrypoint=command, user="65532", files={command[0].lstrip("/"): self.tools})


def platform_images(
    binaries: Mapping[str, Path],
    *,
    kubernetes: str,
    etcd: str,
    coredns: str,
    nft: Path | None = None,
    stand_ins: Mapping[str, Sequence[str]] | None = None,
    talosctl: Sequence[str] = (),
) -> list[Image]:
    """Every image that a Talos platform pulls, and the rehearsal's own, from what was built.

    stand_ins: image to the command that runs in it, whose first word names a program in lab-tools.
    talosctl: the names of images with the one talosctl that was built.
    Images whose binary was not built are left out: the registry then reports which one a node pulled.
    """
    built = _Built(binaries)
    images = [
        *built.simple(f"registry.k8s.io/etcd:{etcd}", "etcd"),
        *built.kubernetes(kubernetes),
        *built.simple(
            f"registry.k8s.io/coredns/coredns:{coredns}", "coredns", links={"coredns": "usr/local/bin/coredns"}
        ),
        Image(name="registry.k8s.io/pause:3.10", entrypoint=["/pause"], files={"pause": built.tools}),
        *built.own(),
        *(built.stand_in(name, command) for name, command in (stand_ins or {}).items()),
        *(image for name in talosctl for image in built.simple(name, "talosctl")),
    ]
    if nft is not None:
        images += built.simple(f"registry.k8s.io/kube-proxy:{kubernetes}", "kube-proxy", files=with_libraries(nft))
    return images
