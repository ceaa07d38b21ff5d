"""The images of machines: which architecture they are for, and what their schematics may contain."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.origins import origin
from core.model.platform import Platform
from core.model.schematic import SchematicSpec

from .registry import check

Place = tuple[tuple[str, ...], SchematicSpec, set[str]]


def places(p: Platform, key: str) -> Iterator[Place]:
    """Each place of the stack file that sets a key of a schematic: its path, the schematic, the machines that have it.

    A class is one place, however many machines it has.
    """
    if key in p.talos.schematic.model_fields_set:
        users = {name for name in p.machines if _inherits(p, name, key)}
        yield ("talos", "schematic"), p.talos.schematic, users or set(p.machines)
    found: dict[tuple[str, ...], tuple[SchematicSpec, set[str]]] = {}
    for name, machine in p.machines.items():
        own = machine.schematic
        if own is None or key not in own.model_fields_set:
            continue
        path = origin(p, ("machines", name, "schematic", key))
        found.setdefault(path[:-1], (own, set()))[1].add(name)
    yield from ((path, *what) for path, what in found.items())


def _inherits(p: Platform, name: str, key: str) -> bool:
    """Whether a machine has a key of talos.schematic, because it neither sets that key nor an id of its own."""
    own = p.machines[name].schematic
    return own is None or not {key, "id"} & own.model_fields_set


@check("talos")
def overlays_are_for_arm(p: Platform) -> Iterator[Fault]:
    """Machines whose schematic has an overlay are arm64."""
    for path, schematic, machines in places(p, "overlay"):
        others = sorted(name for name in machines if p.machines[name].arch != "arm64")
        if schematic.overlay is not None and others:
            yield fault(
                (*path, "overlay"),
                f"is for an ARM board, but {some(others)} {'is' if len(others) == 1 else 'are'} amd64",
                "an overlay contains the boot loader and the firmware of an ARM board",
                "write arch: arm64 in the machines that are such boards, and the overlay in their schematic or class",
            )


@check("talos", "boot")
def secureboot_has_its_keys(p: Platform) -> Iterator[Fault]:
    """The stack file says how machines that are booted from the network get SecureBoot's keys."""
    for path, schematic, machines in places(p, "secureboot"):
        without = sorted(
            name for name in machines if p.boot and p.machines[name].bmc and not p.schematic_of(name).secureboot_keys
        )
        if schematic.secureboot and without:
            yield fault(
                (*path, "secureboot"),
                f"is true, but nothing says how the firmware of {some(without)} gets the keys",
                "a boot from the network enrolls none, and Talos' installer lays none on the disk, so SecureBoot would "
                "stay off, and a machine gets no config while it is off",
                "enroll the keys in the firmware before the first boot (docs/runbooks/secureboot.md), and write "
                "secureboot_keys: firmware",
            )


def some(names: list[str]) -> str:
    """Names for a message: at most three of them."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


@check("vms", "machines", "talos")
def guests_have_nodes_of_their_architecture(p: Platform) -> Iterator[Fault]:
    """A VM's architecture is one of the nodes that run workloads, and set where they have both."""
    nodes = p.vm_architectures
    for name, vm in p.vms.items():
        path = ("vms", name, "arch")
        if vm.arch is not None and vm.arch not in nodes:
            yield fault(
                path,
                f"is {vm.arch}, but no machine that runs workloads is",
                "the VM would never be scheduled",
                f"write {' or '.join(nodes) or 'the architecture of your machines'}, or remove arch",
            )
        elif vm.arch is None and len(nodes) > 1:
            yield fault(
                path,
                "is missing, but machines of both architectures run workloads",
                "the guest's image is for one of them, and would not start on the other",
                f"write arch: {nodes[0]} or arch: {nodes[1]}",
            )
