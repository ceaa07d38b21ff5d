"""Kernel parameters and modules, and how kubelets identify themselves."""

from collections.abc import Iterator
from typing import Any

from core.facts.kspp import FROM_EXTENSION, HARDENED, KUBELET, NEEDED, PROGRAMS
from core.facts.sysctls import starts_another
from core.model.faults import Fault, fault
from core.model.origins import Path, origin
from core.model.platform import Platform

from .registry import check
from .schematics import some

# The controls that a self-signed serving certificate does not satisfy.
_SELF_SIGNED = ("CIS 1.2.5", "CIS 4.2.9", "CIS 4.2.11")

STARTS = (
    "names a program that the kernel would start with all rights",
    "it would run outside of every container, and no policy judges it",
    "remove it, or record an exception to KSPP in exceptions",
)
"""What is wrong with a kernel parameter that names another program: what, why, and what to write instead."""


def excepted(p: Platform, control: str) -> set[str]:
    """Names of the machines with an exception to a control."""
    return {name for e in p.exceptions if e.control == control for name in (e.machines or p.machines)}


@check("talos")
def kernel_stays_hardened(p: Platform) -> Iterator[Fault]:
    """No kernel parameter is weaker than KSPP recommends, unless an exception is recorded."""
    recorded = excepted(p, "KSPP")
    for path, value, machines in settings(p, "sysctls"):
        key = path[-1]
        if key in HARDENED and value not in HARDENED[key] and not machines <= recorded:
            yield fault(
                path,
                f"{value!r} weakens the kernel's hardening",
                "a process could read or control others",
                f"write {' or '.join(HARDENED[key])}, or record an exception to KSPP in exceptions",
            )
        elif starts_another(key, value, PROGRAMS) and not machines <= recorded:
            yield fault(path, *STARTS)


@check("talos")
def network_keeps_its_sysctls(p: Platform) -> Iterator[Fault]:
    """No kernel parameter breaks the pod network."""
    for path, value, _ in settings(p, "sysctls"):
        working, consequence = NEEDED.get(path[-1], ((value,), ""))
        if value not in working:
            yield fault(
                path,
                f"{value!r} breaks the pod network",
                consequence,
                f"write {' or '.join(working)}, or remove it",
            )


@check("talos")
def kubelet_keeps_its_sysctls(p: Platform) -> Iterator[Fault]:
    """No kernel parameter keeps the kubelet from starting."""
    for path, value, _ in settings(p, "sysctls"):
        key = path[-1]
        if key in KUBELET and value not in KUBELET[key]:
            yield fault(
                path,
                f"{value!r} keeps the kubelet from starting",
                "it accepts one value of this parameter, and Talos has it check that",
                f"write {KUBELET[key][0]}, or remove it",
            )


@check("talos")
def modules_are_in_the_image(p: Platform) -> Iterator[Fault]:
    """A module that comes with a system extension has that extension in the schematic of each machine that loads it."""
    for path, _, machines in settings(p, "modules"):
        extension = FROM_EXTENSION.get(path[-1].replace("-", "_"))
        lacking = sorted(name for name in machines if extension and not _may_have(p, name, extension))
        if lacking:
            all_alike = len(p.schematics) == 1
            yield fault(
                path,
                f"is part of the extension {extension}, which "
                f"{'talos.schematic' if all_alike else f'the schematic of {some(lacking)}'} lacks",
                "the kernel would not find the module",
                f"add {extension} to {'talos.schematic.extensions' if all_alike else 'schematic.extensions there'}",
            )


def _may_have(p: Platform, name: str, extension: str) -> bool:
    """Whether a machine's images contain an extension; what a schematic contains that is only an id is not known."""
    schematic = p.schematic_of(name)
    return schematic.id is not None or extension in schematic.extensions


@check("talos", "exceptions")
def kubelets_identify_themselves(p: Platform) -> Iterator[Fault]:
    """Self-signed serving certificates have recorded exceptions for every machine."""
    if p.talos.hardening.serving_certificates != "self-signed":
        return
    lacking = [control for control in _SELF_SIGNED if excepted(p, control) < set(p.machines)]
    if lacking:
        yield fault(
            ("talos", "extras", "serving_certificates"),
            f"is self-signed, but exceptions does not record {', '.join(lacking)} for every machine",
            "a host that takes over a node's address could pose as its kubelet, and read what is typed into pods",
            "remove it, or record an exception to each of them",
        )


def settings(p: Platform, kind: str) -> Iterator[tuple[Path, Any, set[str]]]:
    """Each setting of a kind: its path in the stack file, its value, and the machines that it applies to."""
    for key, value in getattr(p.talos, kind).items():
        yield ("talos", kind, key), value, set(p.machines)
    found: dict[Path, tuple[Any, set[str]]] = {}
    for name, machine in p.machines.items():
        for key, value in getattr(machine, kind).items():
            found.setdefault(origin(p, ("machines", name, kind, key)), (value, set()))[1].add(name)
    yield from ((path, *setting) for path, setting in found.items())
