"""Cilium's images, made of programs built here and packages of Debian."""

import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from .images import Image
from .layers import Layer
from .locks import exclusive

# What no program of the image reads: most of it comes with the compiler's packages and serves other languages.
_UNUSED = (
    *(f"usr/share/{name}" for name in ("doc", "man", "info", "locale", "lintian", "bash-completion", "bug", "gdb")),
    *("usr/include", "usr/lib/gcc", "usr/lib/modules", "usr/lib/systemd/system", "usr/lib/udev", "usr/lib/linux"),
    *("usr/lib/llvm-19/lib/clang/19/lib", "usr/lib/llvm-19/lib/LLVMPolly.so", "usr/lib/x86_64-linux-gnu/*.a"),
    *(
        f"usr/lib/x86_64-linux-gnu/{name}*"
        for name in ("libclang-19", "libasan", "libtsan", "libhwasan", "liblsan", "libubsan", "libgprofng", "gprofng")
    ),
    *("usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/ldscripts", "usr/lib/x86_64-linux-gnu/perl*"),
    *("usr/bin/x86_64-linux-gnu-*", "usr/bin/gprofng*", "var/cache", "var/lib/dpkg", "boot", "etc/systemd"),
)  # fmt: skip
# Debian chooses the kind of rules when it installs the package, by links.
_RULES = {
    f"usr/sbin/{family}tables{what}": "xtables-nft-multi"
    for family in ("ip", "ip6")
    for what in ("", "-save", "-restore")
}
_PROGRAMS = (
    "cilium-agent",
    "cilium-dbg",
    "cilium-health",
    "cilium-health-responder",
    "cilium-mount",
    "cilium-sysctlfix",
)
_SCRIPTS = ("init-container.sh", "install-plugin.sh", "cni-uninstall.sh")


def system(built: Mapping[str, Path]) -> Layer:
    """Debian's clang and the tools that the agent calls."""
    merged = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}
    return Layer(
        tree=built["network-system-tree"],
        without=_UNUSED,
        texts={"etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n", "etc/group": b"root:x:0:\n"},
        links={**merged, **_RULES, "usr/bin/sh": "bash", "usr/bin/clang": "clang-19", "var/run": "../run"},
        directories=("run", "root", "proc", "sys", "dev", "home/cilium"),
        shared=("tmp",),
    )


def cilium(built: Mapping[str, Path], *, store: Path, agent: str, operator: str) -> list[Image]:
    """The images of the agent and of the operator, under these names. store: where the sources for clang are kept."""
    programs = {f"usr/bin/{name}": built[name] for name in _PROGRAMS}
    scripts = {name: built[f"cilium-{name}"] for name in _SCRIPTS}
    plugins = {"opt/cni/bin/cilium-cni": built["cilium-cni"], "cni/loopback": built["loopback"]}
    return [
        Image(
            name=agent,
            entrypoint=["/usr/bin/cilium-dbg"],
            files={**programs, **scripts, **plugins},
            below=(system(built), Layer(tree=_sources(built["cilium-bpf.tgz"], store))),
            folder="/home/cilium",
        ),
        Image(
            name=operator,
            entrypoint=["/usr/bin/cilium-operator-generic"],
            files={"usr/bin/cilium-operator-generic": built["cilium-operator-generic"]},
        ),
    ]


def _sources(packed: Path, store: Path) -> Path:
    """A folder with the sources of the agent's BPF programs at their place in the image."""
    status = packed.stat()
    made = store / "cilium" / f"bpf-{status.st_size}-{status.st_mtime_ns}"
    (store / "cilium").mkdir(parents=True, exist_ok=True)
    with exclusive(store / "cilium" / ".lock"):
        if not made.exists():
            fresh = made.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            unpack(packed, fresh / "var/lib/cilium")
            fresh.rename(made)
    return made


def unpack(packed: Path, into: Path) -> None:
    """Unpack a .tgz below a folder, which is made."""
    into.mkdir(parents=True)
    with tarfile.open(packed) as tar:
        tar.extractall(into, filter="data")
