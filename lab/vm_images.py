"""The images of KubeVirt, CDI and the lab's class of storage, made of programs built here and packages of Debian."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .images import Image
from .layers import NET_BIND_SERVICE, Layer

# The user that KubeVirt's and CDI's images name, except those that must be root.
USER = "1001"
# The user that a virtual machine runs as. Source: kubevirt/kubevirt v1.8.4, pkg/util/util.go, NonRootUID.
QEMU = 107

_PASSWD = f"""root:x:0:0:root:/root:/bin/bash
nonroot:x:{USER}:{USER}::/tmp:/bin/sh
qemu:x:{QEMU}:{QEMU}:qemu:/home/qemu:/bin/bash
libvirt-qemu:x:{QEMU}:{QEMU}::/home/qemu:/bin/bash
"""
_GROUP = f"root:x:0:\nnonroot:x:{USER}:\nqemu:x:{QEMU}:\nlibvirt-qemu:x:{QEMU}:\nkvm:x:36:\ntty:x:5:\nlibvirt:x:108:\n"

# Debian has libvirt's one daemon and not the one for QEMU alone, by whose name and socket KubeVirt finds it.
_VIRTQEMUD = """#!/bin/sh
mkdir -p /var/run/libvirt
ln -sfn libvirt-sock /var/run/libvirt/virtqemud-sock
exec /usr/libexec/virtqemud "$@"
"""

# What no program of the images reads, and what must not be there: dmidecode reads the memory of the computer.
_UNUSED = (
    *(f"usr/share/{name}" for name in ("doc", "man", "info", "locale", "lintian", "bash-completion", "bug")),
    *("usr/include", "usr/lib/modules", "usr/lib/systemd/system", "usr/lib/x86_64-linux-gnu/*.a"),
    *("var/cache", "var/lib/dpkg", "boot"),
    *("usr/bin/qemu-system-i386", "usr/bin/qemu-system-x86_64-microvm", "usr/sbin/dmidecode"),
    *(
        f"usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_{name}.so"
        for name in ("network", "nodedev", "nwfilter", "secret", "storage")
    ),
)  # fmt: skip
_MERGED = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}


def system(built: Mapping[str, Path]) -> Layer:
    """Debian's libvirt, QEMU and tools, laid out as KubeVirt's programs expect them."""
    tree = built["vm-system-tree"]
    labeller = built["node-labeller.sh"].read_text()
    # It makes a node for /dev/kvm wherever the kernel knows one: in a user namespace that is refused, and it ends.
    lines = [
        "HYPERVISOR_DEV_MINOR=" if line.startswith("HYPERVISOR_DEV_MINOR=") else line for line in labeller.splitlines()
    ]
    return Layer(
        tree=tree,
        without=_UNUSED,
        texts={
            "etc/passwd": _PASSWD.encode(),
            "etc/group": _GROUP.encode(),
            "usr/sbin/virtqemud": _VIRTQEMUD.encode(),
            "usr/bin/node-labeller.sh": ("\n".join(lines) + "\n").encode(),
            # The module for the computer's own name is not among the packages.
            "etc/nsswitch.conf": built["launcher-nsswitch.conf"].read_text().replace(" myhostname", "").encode(),
            "etc/libvirt/hooks/qemu": built["launcher-qemu-hook"].read_bytes(),
            "etc/libvirt/qemu.conf": built["launcher-qemu.conf"].read_bytes(),
            "etc/libvirt/virtqemud.conf": built["launcher-virtqemud.conf"].read_bytes(),
        },
        programs=("usr/sbin/virtqemud", "usr/bin/node-labeller.sh", "etc/libvirt/hooks/qemu"),
        files={"usr/libexec/virtqemud": tree / "usr/sbin/libvirtd"},
        links={
            **_MERGED,
            "usr/bin/sh": "bash",
            "var/run": "../run",
            "var/lock": "../run/lock",
            "usr/share/OVMF/OVMF_CODE.fd": "OVMF_CODE_4M.fd",
            "usr/share/OVMF/OVMF_VARS.fd": "OVMF_VARS_4M.fd",
        },
        directories=("home/qemu", "run", "root", "proc", "sys", "dev"),
        shared=("tmp", "var/tmp"),
    )


@dataclass(frozen=True)
class _Built:
    """What was built, and the layer under the programs that call others."""

    files: Mapping[str, Path]
    system: Layer

    def image(self, name: str, programs: Sequence[str], *, on_system: bool = False, **more: Any) -> Image:
        """An image with programs in /usr/bin, the first of which it starts."""
        more = {"entrypoint": [f"/usr/bin/{programs[0]}"], "user": USER, **more}
        inside = {f"usr/bin/{program}": self.files[program] for program in programs}
        below = (self.system,) if on_system else (_accounts(),)
        return Image(name=name, files=inside, below=below, **more)


def _accounts() -> Layer:
    texts = {"etc/passwd": _PASSWD, "etc/group": _GROUP, "etc/nsswitch.conf": "hosts: files dns\n"}
    return Layer(texts={name: text.encode() for name, text in texts.items()})


def kubevirt(built: Mapping[str, Path], registry: str, version: str) -> list[Image]:
    """KubeVirt's images. virt-operator takes the names of the others from its own."""
    made = _Built(built, system(built))
    plain = ("operator", "api", "controller", "exportproxy", "exportserver")
    images = [made.image(f"{registry}/virt-{name}:{version}", [f"virt-{name}"]) for name in plain]
    synchronization = "synchronization-controller"
    return [
        *images,
        made.image(f"{registry}/{synchronization}:{version}", [synchronization]),
        made.image(f"{registry}/virt-handler:{version}", ["virt-handler", "virt-chroot"], on_system=True, user=""),
        made.image(
            f"{registry}/virt-launcher:{version}",
            ["virt-launcher", "virt-launcher-monitor", "virt-probe", "virt-tail", "virt-freezer", "container-disk"],
            on_system=True,
            user="",
            capabilities={"usr/bin/virt-launcher-monitor": NET_BIND_SERVICE},
        ),
    ]


def cdi(built: Mapping[str, Path], registry: str, version: str) -> list[Image]:
    """CDI's images."""
    made = _Built(built, system(built))

    def image(name: str, programs: Sequence[str] = (), **more: Any) -> Image:
        named = programs or [name]
        entry = [f"/usr/bin/{named[0]}", "-alsologtostderr"]
        return made.image(f"{registry}/{name}:{version}", named, **{"entrypoint": entry, **more})

    scratch = ("tmp", "data", "scratch")
    return [
        image("cdi-operator", entrypoint=["/usr/bin/cdi-operator"]),
        image("cdi-apiserver"),
        image("cdi-uploadproxy"),
        image("cdi-controller", on_system=True),
        image(
            "cdi-importer",
            ["cdi-importer", "cdi-containerimage-server", "cdi-image-size-detection", "cdi-source-update-poller"],
            on_system=True,
            shared=scratch,
        ),
        image("cdi-uploadserver", on_system=True, shared=scratch),
        image(
            "cdi-cloner",
            ["cloner_startup.sh", "cdi-cloner"],
            on_system=True,
            entrypoint=["/usr/bin/cloner_startup.sh"],
            shared=("tmp", "home/cdi-cloner"),
            folder="/home/cdi-cloner",
        ),
    ]


# What the provisioner's helper and other small pods call.
_APPLETS = ("sh", "mkdir", "rm", "ls", "cat", "sleep", "chmod", "echo", "touch", "wget", "df", "dd", "sync", "stat")


def local_path(built: Mapping[str, Path], provisioner: str, helper: str) -> list[Image]:
    """local-path-provisioner, and the image of the pods that make and remove its folders."""
    made = _Built(built, Layer())
    busybox = built["vm-disk-tools-tree"] / "usr/bin/busybox"
    return [
        made.image(provisioner, ["local-path-provisioner"], user=""),
        Image(
            name=helper,
            entrypoint=["/bin/sh"],
            files={"bin/busybox": busybox},
            links={f"bin/{name}": "busybox" for name in _APPLETS},
        ),
    ]


def container_disk(name: str, disk: Path) -> Image:
    """A container disk of this name. KubeVirt brings the program that serves it."""
    return Image(name=name, entrypoint=["/none"], files={"disk/disk.qcow2": disk})
