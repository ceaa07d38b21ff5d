"""Where VMs run: classes that exist, groups that fit, and devices that their machines have."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.placing import guest_arch, places
from core.model.platform import Platform

from .registry import check


@check("machines", "classes", "vm_networks")
def vms_have_a_place(p: Platform) -> Iterator[Fault]:
    """The class of a VM's machines exists, and one of its machines runs such VMs."""
    for name, vm in p.vms.items():
        wanted, path = vm.place.class_, ("vms", name, "place", "class")
        if wanted is None:
            continue
        shown = f"{wanted!a}" if len(wanted) <= 63 else "this text"
        if wanted not in p.classes:
            known = f"write one of: {', '.join(p.classes)}" if p.classes else "define it under classes:"
            yield fault(path, f"{shown} is not one of classes:", "machines are chosen by their class", known)
        elif not any(p.machines[each].class_ == wanted for each in p.schedulable):
            yield fault(path, f"no machine of {shown} runs VMs", "the VM could run nowhere", "write another class")
        elif not places(p, name):
            arch = guest_arch(p, vm)
            yield fault(
                path,
                f"no machine of {shown} is {arch}" + (" and has the networks of nics" if vm.nics else ""),
                "the VM could run nowhere",
                "write another class",
            )


@check("machines", "classes", "vm_networks")
def groups_fit_their_machines(p: Platform) -> Iterator[Fault]:
    """No group of VMs that run apart has more of them than machines."""
    for group, names in p.apart.items():
        here = frozenset().union(*(places(p, name) for name in names))
        if here and len(names) > len(here):
            machines = "1 machine" if len(here) == 1 else f"{len(here)} machines"
            yield fault(
                ("vms", names[-1], "place", "apart"),
                f"{group} has {len(names)} VMs, and {machines} may run them",
                "no two of them run on one machine, so this one would run nowhere",
                "remove apart from some of them, or add machines",
            )


@check()
def watchdogs_are_amd64(p: Platform) -> Iterator[Fault]:
    """A guest with a watchdog is amd64."""
    for name, vm in p.vms.items():
        if vm.watchdog and guest_arch(p, vm) != "amd64":
            yield fault(
                ("vms", name, "watchdog"),
                "is set, and the guest is arm64",
                "its machine has no such device",
                "remove watchdog",
            )
