"""SecureBoot by a boot from the network: firmware with keys, setup mode, and what Talos and the gate make of both.

The firmware is OVMF with the keys that Debian made for tests, and Talos' own imager signs the image with them.
"""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from clients.talos import Maintenance, NoAnswer
from lab import prepare
from lab.kernel import die_with_parent
from lab.testing import installer, qemu
from lab.waiting import wait_for
from provider.framework import UserError
from provider.resources.identity import require_declared
from tests.metal import netboot
from toolchain import ensure

pytestmark = pytest.mark.machines

# Debian's package ovmf enrolls this key as platform key, key exchange key and in the signature database.
SNAKEOIL = Path("/usr/share/ovmf/PkKek-1-snakeoil")
ENROLLED, SETUP = "OVMF_VARS_4M.snakeoil.fd", "OVMF_VARS_4M.fd"
BOOT_SECONDS = 600
DECLARED = {"serial": "LAB0001", "secureBoot": True}


@dataclass(frozen=True)
class Images:
    """The folders that each hold one image of Talos for UEFI, and nothing else."""

    signed: Path
    unsigned: Path


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Images:
    binaries, folder = ensure({"install"}), tmp_path_factory.mktemp("keys")
    key = serialization.load_pem_private_key(SNAKEOIL.with_suffix(".key").read_bytes(), b"snakeoil")
    private = folder / "key.pem"
    private.touch(mode=0o600)
    plain = serialization.PrivateFormat.TraditionalOpenSSL
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, plain, serialization.NoEncryption()))
    signer = private, SNAKEOIL.with_suffix(".pem")
    one, other = (
        installer.unified(
            binaries,
            netboot.talos(binaries),
            version=prepare.versions().talos,
            arguments=netboot.KERNEL_ARGUMENTS,
            parent=netboot.kept(),
            signer=keys,
        )
        for keys in (signer, None)
    )
    return Images(one.parent, other.parent)


@contextmanager
def machine(folder: Path, variables: str, image: Path) -> Iterator[str]:
    """A machine with these variables of its firmware, which boots an image from the network; yields its API's address.

    The network is QEMU's own, so neither root nor a boot server is needed: the firmware fetches the image by TFTP.
    """
    folder.mkdir()
    shutil.copy(qemu.OVMF / variables, folder / "variables")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = qemu.OVMF / "OVMF_CODE_4M.secboot.fd"
    words = [qemu.EMULATOR, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "4096"]
    words += ["-smbios", "type=1,serial=LAB0001", "-device", "virtio-rng-pci", "-serial", f"file:{folder / 'console'}"]
    # Only code of the firmware may write its variables.
    words += ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]
    words += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}"]
    words += ["-drive", f"if=pflash,format=raw,unit=1,file={folder / 'variables'}"]
    words += ["-netdev", f"user,id=n0,tftp={image},bootfile={installer.BOOTED},hostfwd=tcp:127.0.0.1:{port}-:50000"]
    words += ["-device", "virtio-net-pci,netdev=n0,bootindex=1,romfile="]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, preexec_fn=die_with_parent)
    try:
        yield f"localhost:{port}"
    finally:
        process.kill()
        process.wait()


def printed(folder: Path) -> str:
    file = folder / "console"
    return file.read_text(errors="replace") if file.exists() else ""


def hardware(address: str):
    """What Talos reports once it has started."""

    def ask():
        try:
            found = Maintenance.at(address).hardware(address)
        except NoAnswer:
            return None
        return found if found.secure_boot is not None else None

    return wait_for("Talos in maintenance mode", ask, seconds=BOOT_SECONDS, every=2)


def test_firmware_with_keys_boots_the_signed_image_and_the_gate_lets_it_pass(tmp_path, images):
    with machine(tmp_path / "m", ENROLLED, images.signed) as address:
        found = hardware(address)
        assert found.secure_boot is True
        assert require_declared("cp-1", address, DECLARED, found, settled=True) == []
    assert "Secure boot enabled" in printed(tmp_path / "m")


def test_firmware_with_keys_refuses_an_image_that_nobody_signed(tmp_path, images):
    with machine(tmp_path / "m", ENROLLED, images.unsigned):
        wait_for("the firmware", lambda: "Access Denied" in printed(tmp_path / "m"), seconds=BOOT_SECONDS, every=2)
    assert "Linux version" not in printed(tmp_path / "m")


def test_a_machine_in_setup_mode_runs_the_signed_image_and_gets_no_config(tmp_path, images):
    with machine(tmp_path / "m", SETUP, images.signed) as address:
        found = hardware(address)
        assert found.secure_boot is False
        with pytest.raises(UserError, match="runs with SecureBoot off or in setup mode"):
            require_declared("cp-1", address, DECLARED, found, settled=False)
