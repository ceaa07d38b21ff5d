"""Kernel arguments, of the images and of the network boot: what they disable, and what no machine may boot with."""

from collections.abc import Iterator

from core.facts.kernel_defences import hardening_off, mitigations_off
from core.facts.kernel_owned import OWNED
from core.facts.kernel_words import words
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .kernel import excepted
from .registry import check
from .schematics import places


@check("talos", "boot")
def arguments_keep_the_defences(p: Platform) -> Iterator[Fault]:
    """No kernel argument disables a mitigation or a hardening default, unless an exception is recorded."""
    recorded = excepted(p, "KSPP")
    for path, argument, machines in _arguments(p):
        if machines <= recorded:
            continue
        for word in mitigations_off(argument):
            yield _weak(path, f"{word} disables a defence against hostile code")
        for word in hardening_off(argument):
            yield _weak(path, f"{word} disables a hardening default")


@check("talos", "boot")
def arguments_start_talos(p: Platform) -> Iterator[Fault]:
    """No kernel argument erases the machine, brings or fetches its config, or starts something else than Talos."""
    for path, argument, _ in _arguments(p):
        for name, value in words(argument):
            for owned in OWNED:
                if owned.refuses(name, value):
                    yield fault(path, owned.what, owned.why, owned.instead)


def _weak(path: tuple[str, ...], what: str) -> Fault:
    return fault(
        path,
        what,
        "guests and pods run code of people who don't trust each other",
        "remove the argument, or record an exception to KSPP in exceptions",
    )


def _arguments(p: Platform) -> Iterator[tuple[tuple[str, ...], str, set[str]]]:
    """Each argument of the stack file: its path, its text, and the machines that boot with it."""
    for path, schematic, machines in places(p, "kernel_args"):
        for index, argument in enumerate(schematic.kernel_args):
            yield (*path, "kernel_args", str(index)), argument, machines
    for index, argument in enumerate(p.boot.kernel_args if p.boot else ()):
        yield ("boot", "kernel_args", str(index)), argument, set(p.machines)
