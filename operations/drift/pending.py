"""What the next `up` does to each machine: which fields change, what that comes to, and whether it reboots."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.effective import Effective, effective
from core.effective.keys import Origins
from core.effective.meaning import Effect, effects, in_effect, kernel_effects
from core.effective.runs import Runs
from core.facts import installer
from core.machineconfig import updates
from core.machineconfig.base import base_texts
from core.machineconfig.differences import Difference
from core.machineconfig.documents import patches
from core.machineconfig.merge import Key
from core.machineconfig.redaction import shown_value
from core.model import Platform
from core.model.patches import Place

from .recorded import Recorded


@dataclass(frozen=True)
class Change:
    """What the next `up` does to one machine. `--json` prints these fields; docs/day-two.md documents them."""

    machine: str
    address: str
    state: str
    """same, changes, joins or leaves."""
    reboots: bool = False
    drained: bool = False
    differences: list[Difference] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


@dataclass(frozen=True)
class Meaning:
    """What a field's change comes to, from one config of a machine to another."""

    before: Runs
    after: Runs
    origins: Origins

    def __call__(self, key: Key, path: tuple[str, ...]) -> tuple[bool, str]:
        """Whether the machine then runs anything else, and what sets the new value."""
        if in_effect(self.before, key, path) == in_effect(self.after, key, path):
            return False, ""
        return True, self.origins.of(key, path)


def pending(platform: Platform, states: dict[str, Recorded], places: dict[str, Place]) -> Iterator[Change]:
    """The change of each machine of the stack file or the state.

    Configs count as applied only once Talos took them, so what an interrupted `up` left undone is still a change.
    places: gets the place in the stack file of each origin that is there.
    """
    for name in sorted({*platform.machines, *states}):
        state, machine = states.get(name), platform.machines.get(name)
        if machine is None:
            yield Change(name, states[name].address, "leaves", drained=True)
        elif state is None:
            yield Change(name, str(machine.address), "joins")
        else:
            yield _change(platform, state, places)


def _change(platform: Platform, state: Recorded, places: dict[str, Place]) -> Change:
    name, machine = state.name, platform.machines[state.name]
    declared, base = patches(platform, name), base_texts(platform, machine.role)
    same_texts = declared == state.patches and (not state.base or base == state.base)
    if same_texts and not _moved(platform, state):
        return Change(name, str(machine.address), "same")
    now = effective(platform, name)
    origins = Origins(now, places)
    meaning = Meaning(state.runs(platform), now.runs, origins)
    before = {updates.BASE: state.base, updates.DOCUMENTS: state.patches}
    fields = updates.changes(before, {updates.BASE: base, updates.DOCUMENTS: declared}, meaning=meaning)
    upgrades = list(_upgrades(platform, state, origins))
    every = [*upgrades, *fields]
    reboots = any(difference.reboots for difference in every)
    different = list(effects(meaning.before, meaning.after, origins.of)) if every else []
    different += _kernel(state, now, places) if state.image != platform.installer_of(name) else ()
    drained = reboots or bool(upgrades)
    return Change(name, str(machine.address), "changes" if every else "same", reboots, drained, every, different)


def _moved(platform: Platform, state: Recorded) -> bool:
    """Whether the Kubernetes release or the image is another one."""
    kubernetes, image = state.kubernetes, state.image
    others = (kubernetes, platform.talos.kubernetes), (image, platform.installer_of(state.name))
    return any(old and old != new for old, new in others)


def _upgrades(platform: Platform, state: Recorded, origins: Origins) -> Iterator[Difference]:
    """Another version of Kubernetes and another image of Talos, which are not fields of a patch."""
    image, was = platform.installer_of(state.name), state.talos
    now = installer.parse(image)
    key = "talos.version" if now is None or now.version != was else "talos.schematic"
    for document, path, old, new, reboots, origin in (
        ("Kubernetes", "version", state.kubernetes, platform.talos.kubernetes, False, "talos.kubernetes"),
        ("Talos", "image", state.image, image, True, key),
    ):
        if old and old != new:
            texts = shown_value((path,), old), shown_value((path,), new)
            yield Difference(document, path, *texts, reboots, origin=origins.key(origin))


def _kernel(state: Recorded, now: Effective, places: dict[str, Place]) -> Iterator[Effect]:
    sides, talos = state.kernel(now), now.platform.talos.version
    if sides is None:
        return
    origins = {argument.text: argument.origin for argument in now.kernel or ()}
    for origin in origins.values():
        if origin.startswith("platform."):
            places[origin] = tuple(origin.split(".")[1:])
    removed = f"the default of Talos {talos}" if state.talos != talos else ""
    yield from kernel_effects(sides[0], {text: origins.get(text, "") for text in sides[1]}, removed)
