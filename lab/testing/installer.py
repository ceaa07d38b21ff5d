"""Talos' installer as an image that a machine pulls: its own program, and what it puts on a disk.

Only machines with UEFI: there it copies one file, in which kernel, initramfs and arguments are, beside a boot loader
that is one file as well. Talos' own imager makes the former.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from lab import speed
from lab.images import Image
from lab.rootfs import libraries

STUB, LOADER = (f"usr/lib/systemd/boot/efi/{name}" for name in ("linuxx64.efi.stub", "systemd-bootx64.efi"))
# What the installer runs: it makes the file system of the EFI partition, and nothing else.
FORMATTER = "usr/sbin/mkfs.vfat"
IMAGER_SECONDS = 120


def unified(
    binaries: Mapping[str, Path],
    initramfs: Path,
    *,
    version: str,
    arguments: Sequence[str],
    folder: Path,
    installer: str = "installer",
) -> Path:
    """Kernel, initramfs and arguments as one program for UEFI, in this folder.

    arguments: what a schematic adds to the arguments that Talos has always.
    installer: the name of the binary whose imager makes it.
    """
    tree = binaries["tree"]
    inputs = {"kernel": binaries["vmlinuz"], "initramfs": initramfs, "sdStub": tree / STUB, "sdBoot": tree / LOADER}
    profile = {
        "arch": "amd64",
        "platform": "metal",
        "secureboot": False,
        "version": version,
        "customization": {"extraKernelArgs": list(arguments)},
        "input": {name: {"path": str(path.resolve())} for name, path in inputs.items()},
        "output": {"kind": "uki", "outFormat": "raw"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    # One program: which of the two it is, its name says.
    command = ["imager", "-", "--output", str(folder)]
    done = subprocess.run(
        command,
        executable=binaries[installer].resolve(),
        input=yaml.safe_dump(profile),
        capture_output=True,
        text=True,
        timeout=speed.deadline(IMAGER_SECONDS),
        env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": str(folder)},
    )
    made = sorted(folder.glob("*.efi"))
    if done.returncode or len(made) != 1:
        raise RuntimeError(f"Talos' imager made no image: {(done.stdout + done.stderr)[-1500:]}")
    return made[0]


def image(binaries: Mapping[str, Path], name: str, boots: Path, installer: str = "installer") -> Image:
    """The image under the name that machines pull it by. boots: what `unified` made."""
    tree = binaries["tree"]
    files = {"usr/bin/installer": binaries[installer], FORMATTER: tree / FORMATTER}
    files |= {"usr/install/amd64/vmlinuz.efi": boots, "usr/install/amd64/systemd-boot.efi": tree / LOADER}
    return Image(
        name=name,
        entrypoint=["/bin/installer"],
        files={**files, **libraries(tree, [FORMATTER])},
        links={"bin": "usr/bin", "sbin": "usr/sbin", "lib64": "usr/lib/x86_64-linux-gnu"},
        directories=["boot", "dev", "proc", "run", "sys"],
    )
