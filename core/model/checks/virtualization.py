"""What virtual machines require: KubeVirt, and SSH keys that are public keys."""

import base64
from collections.abc import Iterator

from core.facts.versions import CURRENT
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("kubevirt")
def vms_have_a_hypervisor(p: Platform) -> Iterator[Fault]:
    """A platform with VMs has KubeVirt."""
    if p.vms and p.kubevirt is None:
        yield fault(
            ("kubevirt",),
            "is missing, but there are VMs",
            "KubeVirt runs the VMs",
            f"write kubevirt: {{version: {CURRENT['kubevirt']}}}",
        )


@check()
def ssh_keys_are_set_once(p: Platform) -> Iterator[Fault]:
    """A VM's keys are in ssh_keys or in cloud_init, and not in both."""
    for name, vm in p.vms.items():
        if "ssh_authorized_keys" in vm.cloud_init and vm.ssh_keys:
            yield fault(
                ("vms", name, "ssh_keys"),
                "is set, and so is cloud_init.ssh_authorized_keys",
                "one would silently replace the other",
                "move all keys into one of the two",
            )


@check()
def ssh_keys_are_public_keys(p: Platform) -> Iterator[Fault]:
    """Each SSH key is an OpenSSH public key, and never a private one."""
    for name, vm in p.vms.items():
        for index, key in enumerate(vm.ssh_keys):
            if not _is_openssh_public_key(key):
                yield fault(
                    ("vms", name, "ssh_keys", str(index)),
                    "is not an OpenSSH public key",
                    "nobody could log in with it, and a private key must never be in a stack file",
                    "paste the line of the .pub file, e.g. ssh-ed25519 AAAA… name",
                )


def _is_openssh_public_key(text: str) -> bool:
    """Whether the Base64 part of a key names the same kind as its first word."""
    kind, _, rest = text.partition(" ")
    blob = rest.split(" ", 1)[0]
    try:
        raw = base64.b64decode(blob, validate=True)
    except ValueError:
        return False
    return len(raw) > 4 and raw[4 : 4 + int.from_bytes(raw[:4], "big")] == kind.encode()
