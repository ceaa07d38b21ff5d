"""Disk encryption: its keys, and the firmware that they depend on."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("talos")
def kms_is_set_where_it_is_used(p: Platform) -> Iterator[Fault]:
    """talos.kms and disk_encryption: kms are set together."""
    uses_kms = p.talos.disk_encryption == "kms"
    if uses_kms and p.talos.kms is None:
        yield fault(
            ("talos", "kms"),
            "is missing, but disk_encryption is kms",
            "machines must know which server unseals their disk keys",
            "write kms: https://kms.example.com:4050",
        )
    if p.talos.kms is not None and not uses_kms:
        yield fault(
            ("talos", "kms"),
            f"is set, but disk_encryption is {p.talos.disk_encryption}",
            "no machine would use the KMS",
            "write disk_encryption: kms, or remove kms",
        )


@check("talos", "network")
def kms_is_reached_before_the_config(p: Platform) -> Iterator[Fault]:
    """With a KMS, machines get their address from DHCP."""
    if p.talos.disk_encryption == "kms" and p.network.gateway:
        yield fault(
            ("talos", "disk_encryption"),
            "is kms, but network.gateway gives machines static addresses",
            "those are in the config, and the config is on the disk that only the KMS unlocks, so no machine would "
            "start again",
            "remove network.gateway and reserve the addresses in DHCP, or write disk_encryption: tpm",
        )


@check("talos")
def firmware_supports_it(p: Platform) -> Iterator[Fault]:
    """ARM, SecureBoot and keys in the TPM require UEFI."""
    for name, machine in p.machines.items():
        if machine.bmc is None or machine.bmc.boot_mode != "legacy":
            continue
        path = ("machines", name, "bmc", "boot_mode")
        if machine.arch == "arm64":
            yield fault(
                path,
                "is legacy, but arch is arm64",
                "only amd64 machines have a BIOS",
                "write boot_mode: uefi",
            )
        elif p.schematic_of(name).secureboot:
            yield fault(
                path,
                f"is legacy, but {_setting(p, name)} is true",
                "only UEFI verifies signatures, and the signed image boots in no other mode",
                "write boot_mode: uefi",
            )
        elif p.talos.disk_encryption == "tpm":
            yield fault(
                path,
                "is legacy, but talos.disk_encryption is tpm",
                "the disk key is sealed to measurements that only a UEFI boot makes",
                "write boot_mode: uefi, or another disk_encryption",
            )


@check("talos")
def secureboot_has_a_secret_key(p: Platform) -> Iterator[Fault]:
    """With SecureBoot, disk keys are not derived from the machine's UUID."""
    signed = next((name for name in p.machines if p.schematic_of(name).secureboot), None)
    if signed is not None and p.talos.disk_encryption == "node-id":
        yield fault(
            ("talos", "disk_encryption"),
            f"is node-id, but {_setting(p, signed)} is true",
            "anyone who knows the machine's UUID, which is printed on it, could decrypt the disk and bypass SecureBoot",
            "write disk_encryption: tpm",
        )


def _setting(p: Platform, name: str) -> str:
    """The path of the setting that gives a machine SecureBoot."""
    own = p.machines[name].schematic
    return f"machines.{name}.schematic.secureboot" if own and own.secureboot else "talos.schematic.secureboot"
