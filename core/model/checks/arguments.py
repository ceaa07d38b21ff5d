"""Kernel arguments, of the images and of the network boot: what they disable, and what no machine may boot with."""

from collections.abc import Iterator

from core.facts.kernel_defences import hardening_off, mitigations_off
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
    """No kernel argument erases the machine, brings its config in plain text, or starts something else than Talos."""
    for path, argument, _ in _arguments(p):
        for name, value in words(argument):
            if reason := _forbidden(name.removeprefix("-") if name == "-talos.platform" else name, value):
                yield fault(path, *reason)


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


def _forbidden(name: str, value: str) -> tuple[str, str, str] | None:
    """What is wrong with an argument, why, and what to write instead; None where no rule forbids it."""
    if name == "talos.experimental.wipe":
        return (
            "talos.experimental.wipe erases the machine at every boot",
            "kernel arguments apply to each boot, not to the next one alone",
            "remove it, and reset the machine once through the Talos API",
        )
    if name in ("talos.config.inline", "talos.config.early"):
        return (
            f"{name} contains a machine config",
            "images and boot servers are readable for everyone, and the config holds the cluster's keys",
            "remove it: Bedplate sends the config through the Talos API",
        )
    if name == "talos.config" and not value.startswith(("https://", "metal-iso")):
        return (
            "talos.config fetches the machine config without TLS",
            "everyone on the way reads the cluster's keys in it",
            "remove it: Bedplate sends the config through the Talos API",
        )
    if name == "talos.platform" and value != "metal":
        return (
            "talos.platform is not metal",
            "Talos would look for its config at a cloud's metadata service, which any host of the network can pose as",
            "remove it: Bedplate's images have talos.platform=metal",
        )
    if name in ("init", "rdinit"):
        return (
            f"{name} starts another program than Talos",
            "the machine would not run Talos, or not only Talos",
            "remove it",
        )
    if (name, value) == ("enforcing", "1"):
        return (
            "enforcing=1 makes SELinux enforcing",
            "that mode is untested with Cilium and KubeVirt, and can prevent nodes from joining",
            "remove it",
        )
    if name.startswith("bedplate."):
        return (
            "starts with bedplate.",
            "policies read recorded exceptions from such arguments",
            "record exceptions in exceptions",
        )
    return None
