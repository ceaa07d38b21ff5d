"""Kernel parameters and modules, and how kubelets identify themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.kspp import FROM_EXTENSION, HARDENED, KUBELET, NEEDED
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check
from .schematics import some

# The controls that a self-signed serving certificate does not satisfy.
_SELF_SIGNED = ("CIS 1.2.5", "CIS 4.2.9", "CIS 4.2.11")


def excepted(p: Platform, control: str) -> set[str]:
    """Names of the machines with an exception to a control."""
    return {name for e in p.exceptions if e.control == control for name in (e.machines or p.machines)}


@check("talos")
def kernel_stays_hardened(p: Platform) -> Iterator[Fault]:
    """No kernel parameter is weaker than KSPP recommends, unless an exception is recorded."""
    recorded = excepted(p, "KSPP")
    for path, sysctls, machines in _settings(p, "sysctls"):
        for key, value in sysctls.items():
            if key in HARDENED and value not in HARDENED[key] and not machines <= recorded:
                yield fault(
                    (*path, key),
                    f"{value!r} weakens the kernel's hardening",
                    "a process could read or control others",
                    f"write {' or '.join(HARDENED[key])}, or record an exception to KSPP in exceptions",
                )


@check("talos")
def network_keeps_its_sysctls(p: Platform) -> Iterator[Fault]:
    """No kernel parameter breaks the pod network."""
    for path, sysctls, _ in _settings(p, "sysctls"):
        for key, value in sysctls.items():
            if key in NEEDED and value not in NEEDED[key][0]:
                working, consequence = NEEDED[key]
                yield fault(
                    (*path, key),
                    f"{value!r} breaks the pod network",
                    consequence,
                    f"write {' or '.join(working)}, or remove it",
                )


@check("talos")
def kubelet_keeps_its_sysctls(p: Platform) -> Iterator[Fault]:
    """No kernel parameter keeps the kubelet from starting."""
    for path, sysctls, _ in _settings(p, "sysctls"):
        for key, value in sysctls.items():
            if key in KUBELET and value not in KUBELET[key]:
                yield fault(
                    (*path, key),
                    f"{value!r} keeps the kubelet from starting",
                    "it accepts one value of this parameter, and Talos has it check that",
                    f"write {KUBELET[key][0]}, or remove it",
                )


@check("talos")
def modules_are_in_the_image(p: Platform) -> Iterator[Fault]:
    """A module that comes with a system extension has that extension in the schematic of each machine that loads it."""
    for path, modules, machines in _settings(p, "modules"):
        for module in modules:
            extension = FROM_EXTENSION.get(module.replace("-", "_"))
            lacking = sorted(name for name in machines if extension and not _may_have(p, name, extension))
            if lacking:
                all_alike = len(p.schematics) == 1
                yield fault(
                    (*path, module),
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


def _settings(p: Platform, kind: str) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], set[str]]]:
    """Each place with settings of a kind: its path, the settings by name, and the machines that they apply to."""
    yield ("talos", kind), getattr(p.talos, kind), set(p.machines)
    for name, machine in p.machines.items():
        yield ("machines", name, kind), getattr(machine, kind), {name}
