"""What virtual machines require: KubeVirt, and SSH keys in one place."""

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
