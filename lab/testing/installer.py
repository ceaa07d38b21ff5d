"""Talos' installer as an image that a machine pulls: its own program, and the files that it puts on a disk.

Only for machines with UEFI: there the installer copies one file that holds kernel, initramfs and arguments, beside a
boot loader that is one file as well. Talos' own imager makes the former.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab import speed
from lab.images import Image
from lab.rootfs import kept, marks

from .machine_root import libraries

STUB, LOADER = (f"usr/lib/systemd/boot/efi/{name}" for name in ("linuxx64.efi.stub", "systemd-bootx64.efi"))
# What the installer runs: it makes the file system of the EFI partition, and nothing else.
FORMATTER = "usr/sbin/mkfs.vfat"
IMAGER_SECONDS = 120
BOOTED = "boot.efi"


def unified(
    binaries: Mapping[str, Path],
    initramfs: Path,
    *,
    version: str,
    arguments: Sequence[str],
    parent: Path,
    installer: str = "installer",
    signer: tuple[Path, Path] | None = None,
) -> Path:
    """Kernel, initramfs and arguments as one program for UEFI, made once and kept in `parent`.

    arguments: what a schematic adds to the arguments that Talos has always.
    installer: the name of the binary whose imager makes it.
    signer: a private key and its certificate as PEM files, with which the imager signs it for SecureBoot.
    Raises RuntimeError with the imager's output if it fails.
    """
    tree = binaries["tree"]
    inputs = {"kernel": binaries["vmlinuz"], "initramfs": initramfs, "sdStub": tree / STUB, "sdBoot": tree / LOADER}
    profile: dict[str, Any] = {
        "arch": "amd64",
        "platform": "metal",
        "secureboot": signer is not None,
        "version": version,
        "customization": {"extraKernelArgs": list(arguments)},
        "input": {name: {"path": str(path.resolve())} for name, path in inputs.items()},
        "output": {"kind": "uki", "outFormat": "raw"},
    }

    if signer is not None:
        key, certificate = map(str, signer)
        keys = {"secureBootSigner": {"keyPath": key, "certPath": certificate}, "pcrSigner": {"keyPath": key}}
        profile["input"] = {**profile["input"], "secureboot": keys}

    def make(fresh: Path) -> None:
        fresh.mkdir()
        _imager(binaries[installer], profile, fresh)

    facts = ["unified", version, list(arguments), *marks({**inputs, "imager": binaries[installer]})]
    facts += [signer[1].read_text()] if signer else []
    return kept(parent, facts, make, kind="uki") / BOOTED


def _imager(program: Path, profile: Mapping[str, Any], folder: Path) -> None:
    # Installer and imager are one program, which behaves according to its name.
    command = ["imager", "-", "--output", str(folder)]
    done = subprocess.run(
        command,
        executable=program.resolve(),
        input=yaml.safe_dump(profile),
        capture_output=True,
        text=True,
        timeout=speed.deadline(IMAGER_SECONDS),
        env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": str(folder)},
    )
    images = sorted(folder.glob("*.efi"))
    if done.returncode or len(images) != 1:
        raise RuntimeError(f"Talos' imager made no image: {(done.stdout + done.stderr)[-1500:]}")
    images[0].rename(folder / BOOTED)


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
