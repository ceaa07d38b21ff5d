"""What is wrong with a platform's patches, once they are merged into each machine's config."""

from collections.abc import Iterator

from core.facts.versions import minor
from core.machineconfig.merge import merge
from core.machineconfig.sources import Source, base_sources, own_sources, patch_sources
from core.model import Platform
from core.model.checks.kernel import excepted
from core.model.faults import Fault, fault
from core.model.unused import faults_of_unused

from .conflicts import beside, on_one_control_plane, on_workers
from .kubeletsettings import locked, unconvertible
from .machine import Effective
from .origins import Origins
from .owning import TALOS_CA, isolating, misspelt_flags, said_again, taken_away, trusting, weakened
from .volumes import too_small

_REFUSED = "Talos refuses to merge it"


def faults(platform: Platform) -> list[Fault]:
    """Every fault of the stack file's patches, each once, however many machines get the patch."""
    return [*_of_machines(platform), *faults_of_unused(platform, _of_machines)]


def _of_machines(platform: Platform) -> list[Fault]:
    found: dict[Fault, None] = {}
    recorded = {control: excepted(platform, control) for control in ("KSPP", TALOS_CA)}
    for name in platform.machines:
        if platform.talos.patches or platform.machines[name].patches:
            controls = {control for control, machines in recorded.items() if name in machines}
            found.update(dict.fromkeys(_of_machine(platform, name, controls)))
    return list(found)


def _of_machine(platform: Platform, name: str, excepted: set[str]) -> Iterator[Fault]:
    patches = list(patch_sources(platform, name))
    if not patches:
        return
    base, own = list(base_sources(platform, name)), list(own_sources(platform, name))
    origins = Origins([*base, *own, *patches])
    first, states, refused = len(base) + len(own), origins.states, origins.refused
    bare, bedplates = states[first - 1], merge(source.document for source in own).documents
    for number, source in enumerate(patches, first):
        unconverted = list(unconvertible(source, minor(platform.talos.version)))
        yield from unconverted
        if number in refused:
            if not unconverted:  # A setting of the wrong type is why, and says more.
                what, _, instead = refused[number].partition("; ")
                yield fault(source.place, what, _REFUSED, instead or "write it in another way")
            continue
        yield from said_again(source, bedplates, bare, origins.documents)
        yield from taken_away(source, states[number - 1], states[number], bare)
        yield from weakened(source, "KSPP" in excepted)
        yield from trusting(source) if TALOS_CA not in excepted else ()
        yield from misspelt_flags(source)
        yield from isolating(source, origins.documents) if platform.kubevirt else ()
        yield from too_small(source)
        yield from locked(source)
        yield from beside(source, origins.documents)
        yield from on_workers(source) if platform.machines[name].role == "worker" else on_one_control_plane(source)
    yield from _denied(Effective(platform, name, origins), patches)


def _denied(machine: Effective, patches: list[Source]) -> Iterator[Fault]:
    """Flags with which Talos does not start a program."""
    places = {source.origin: source.place for source in patches}
    for program in machine.programs.values():
        for flag, origin in program.denied.items():
            if origin in places:
                yield fault(
                    places[origin],
                    f"sets the flag {flag} of {program.name}, which Talos {machine.platform.talos.version} sets itself",
                    "Talos does not start a program with it",
                    "remove it",
                )
