"""Kernel arguments, of the images and of the network boot: what they disable, and what no machine may boot with."""

from collections.abc import Iterator

from core.facts.kernel_defences import hardening_off, mitigations_off
from core.facts.kernel_owned import OWNED
from core.facts.kernel_words import words
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .kernel import excepted, settings
from .registry import check
from .schematics import places


@check("talos", "boot")
def arguments_keep_the_defences(p: Platform) -> Iterator[Fault]:
    """No kernel argument disables a mitigation or a hardening default, unless an exception is recorded."""
    recorded = excepted(p, "KSPP")
    for path, argument, machines in _arguments(p):
        if not machines <= recorded:
            yield from _weaker(path, argument, "argument")


@check("talos")
def modules_keep_the_defences(p: Platform) -> Iterator[Fault]:
    """No parameter of a module disables what the kernel argument MODULE.PARAMETER would, unless that is recorded."""
    recorded = excepted(p, "KSPP")
    for path, parameters, machines in settings(p, "modules"):
        for index, parameter in enumerate(() if machines <= recorded else parameters):
            for word in parameter.split():
                yield from _weaker((*path, str(index)), f"{path[-1]}.{word}", "parameter")


@check("talos", "boot")
def arguments_start_talos(p: Platform) -> Iterator[Fault]:
    """No kernel argument erases the machine, brings or fetches its config, or starts something else than Talos."""
    for path, argument, _ in _arguments(p):
        for name, value in words(argument):
            for owned in OWNED:
                if owned.refuses(name, value):
                    yield fault(path, owned.what, owned.why, owned.instead)


def _weaker(path: tuple[str, ...], argument: str, kind: str) -> Iterator[Fault]:
    """The faults of one kernel argument, or of a module's parameter in the form of one."""
    found = [f"{word} disables a defence against hostile code" for word in mitigations_off(argument)]
    found += [f"{word} disables a hardening default" for word in hardening_off(argument)]
    for what in found:
        why = "guests and pods run code of people who don't trust each other"
        yield fault(path, what, why, f"remove the {kind}, or record an exception to KSPP in exceptions")


def _arguments(p: Platform) -> Iterator[tuple[tuple[str, ...], str, set[str]]]:
    """Each argument of the stack file: its path, its text, and the machines that boot with it."""
    for path, schematic, machines in places(p, "kernel_args"):
        for index, argument in enumerate(schematic.kernel_args):
            yield (*path, "kernel_args", str(index)), argument, machines
    for index, argument in enumerate(p.boot.kernel_args if p.boot else ()):
        yield ("boot", "kernel_args", str(index)), argument, set(p.machines)
