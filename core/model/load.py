"""From a stack's config to a platform, or to every fault of the config."""

import copy
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from . import classes, examples, nameless, secrecy, wording
from .checks import faults_between_sections
from .empty import without_empty_sections
from .faults import ROOT, Fault, StackFileError, fault
from .include import SECTIONS
from .machine import MachineClassSpec
from .platform import Platform
from .yamlbounds import MOST_LEVELS

# Each round reports the faults that the ones before concealed; no known file needs more than three.
_ROUNDS = 8


def parse(raw: Any, today: date | None = None, known: Sequence[Fault] = (), *, incomplete: bool = False) -> Platform:
    """The platform that a config describes.

    today: recorded exceptions that ended before are faults; None: no exception has ended. known: faults that its
    reading found; what follows from them is not reported again. incomplete: machines, VMs and workloads may be missing.
    Raises StackFileError with all faults at once: those of single fields first, then those between sections, for as
    much of the config as is valid in itself.
    """
    if wrong := _no_platform(raw):
        raise StackFileError([*known, wrong])
    known, misplaced = (*known, *nameless.faults(raw)), list(secrecy.misplaced(raw))
    rest: Any = copy.deepcopy(without_empty_sections(raw, Platform))
    read = _Read.of(known, incomplete, misplaced)
    in_classes, unresolved = classes.resolve(rest)
    faults = [*known, *(fault for fault in in_classes if not read.causes(fault)), *secrecy.faults(raw)]
    rounds = _Rounds(raw, rest, read, unresolved, faults, {*read.broken, *(fault.path[0] for fault in in_classes)})
    platform = rounds.platform()
    if platform is not None:
        between = faults_between_sections(platform, frozenset(rounds.broken), today)
        faults += [f for f in between if not _from_class(f, unresolved) and not read.causes(f)]
        if not faults and not misplaced:
            return platform
    unknown = [f.path for f in faults if f.surplus]
    faults += [f for f in misplaced if not any(_nested(path, f.path) for path in unknown)]
    raise StackFileError(faults or rounds.latest)


def _no_platform(raw: Any) -> Fault | None:
    """Why a value can't be read as a platform at all; None where it can."""
    if not isinstance(raw, Mapping):
        return fault((), "is not a mapping", "it describes the whole platform", "see Pulumi.dev.yaml for a small one")
    if _is_deep(raw):
        return fault(
            (),
            f"is nested in more than {MOST_LEVELS} levels",
            "no platform needs that, and reading it could take all memory",
            "see docs/stack-file.md for its sections",
        )
    return None


@dataclass
class _Rounds:
    """Reads a platform in rounds. Each one removes what is faulty, so that the rest can still be checked."""

    raw: Mapping[str, Any]
    rest: Any
    """What is left of raw."""
    read: "_Read"
    unresolved: frozenset[str]
    """Machines whose class can't be used."""
    faults: list[Fault]
    """Those that are reported. Each round adds its own."""
    broken: set[str]
    """Sections from which something was removed: checks that read them are skipped."""
    latest: list[Fault] = field(default_factory=list)
    """All faults of the last round, with those that follow from others."""
    examples: set[tuple[str, ...]] = field(default_factory=set)
    """Paths at which the documented example stands for a required value that is missing."""

    def platform(self) -> Platform | None:
        """The platform without what is faulty; None where too little of it is left."""
        for _ in range(_ROUNDS):
            try:
                return Platform.model_validate(self.rest)
            except ValidationError as error:
                self._note(wording.faults_of(error, Platform))
            if not self._without_the_faulty():
                return None
        return None

    def _note(self, latest: list[Fault]) -> None:
        self.latest = latest
        concealed = {f.path[:-1] for f in self.faults if f.surplus}
        new = [f for f in latest if _is_new(f, concealed, self.broken, self.raw) and not self.read.causes(f)]
        new = [f for f in new if not any(_nested(example, f.path) for example in self.examples)]
        self.faults += [f for f in new if not _from_class(f, self.unresolved)]
        self.broken |= {f.path[0] for f in latest if f.path and not f.surplus}

    def _without_the_faulty(self) -> bool:
        """Remove what the last round found faulty, or put an example where a value is missing. False if neither can."""
        # Two faults of one entry remove it once. All entries are tried, also after one that can't be removed.
        for path in {_entry(f) for f in self.latest}:
            if _remove(self.rest, path):
                continue
            if not _put_example(self.rest, path):
                return False
            self.examples.add(path)
        return True


@dataclass(frozen=True)
class _Read:
    """What the reading of a platform found."""

    paths: frozenset[tuple[str, ...]]
    """Each faulty key."""
    broken: frozenset[str]
    """Sections that can't be compared with others."""
    incomplete: bool
    encrypted: frozenset[tuple[str, ...]]
    """Each key whose value may not be encrypted."""

    @classmethod
    def of(cls, known: Iterable[Fault], incomplete: bool, misplaced: Iterable[Fault]) -> "_Read":
        encrypted = frozenset(fault.path for fault in misplaced)
        paths = encrypted | {fault.path for fault in known if fault.root == ROOT and fault.path}
        missing = SECTIONS if incomplete else ()
        return cls(paths, frozenset({*(path[0] for path in paths), *missing}), incomplete, encrypted)

    def causes(self, fault: Fault) -> bool:
        """Whether a fault follows from one that the reading found: of its key, of one within it, or of its class."""
        if fault.surplus and any(_nested(fault.path, path) for path in self.encrypted):
            return False  # What belongs there, or elsewhere, is the better answer.
        if ("classes",) in self.paths and fault.path[:1] == ("machines",) and fault.path[2:] == ("class",):
            return True
        if self.incomplete and fault.path in {(section,) for section in SECTIONS}:
            return True
        return any(_nested(path, fault.path) or _nested(fault.path, path) for path in self.paths)


def _nested(above: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return path[: len(above)] == above


def _is_deep(raw: Any) -> bool:
    """Whether a value is nested deeper than a stack file may be."""
    level = [raw]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for value in level
            if isinstance(value, Mapping | list)
            for inner in (value.values() if isinstance(value, Mapping) else value)
        ]
    return bool(level)


def _is_new(fault: Fault, concealed: set[tuple[str, ...]], broken: set[str], raw: Mapping[str, Any]) -> bool:
    """Whether a fault is one of the file, and not a consequence of what an earlier round removed.

    concealed: mappings that lost an unknown key; what they lack without it is no fault of the file.
    """
    return fault.path not in concealed and not _removed(fault, broken, raw)


def _removed(fault: Fault, broken: set[str], raw: Mapping[str, Any]) -> bool:
    """Whether a missing key stands in the file, and an earlier round removed it."""
    at: Any = raw
    for part in fault.path[:-1]:
        at = at.get(part) if isinstance(at, Mapping) else None
    present = isinstance(at, Mapping) and fault.path[-1:] and fault.path[-1] in at
    return bool(present) and fault.path[0] in broken and fault.absent


def _from_class(fault: Fault, unresolved: frozenset[str]) -> bool:
    """Whether a machine lacks a key that its class, which can't be used, may set."""
    match fault.path:
        case ("machines", name, key, *_):
            return name in unresolved and key in MachineClassSpec.model_fields and fault.absent
    return False


def _entry(fault: Fault) -> tuple[str, ...]:
    """What is removed because of a fault: a machine, VM or workload as a whole, elsewhere the key itself."""
    path = fault.path
    if fault.surplus:
        return path
    if path[:1] in {("machines",), ("vms",), ("workloads",)}:
        return path[:2]
    # A list is removed as a whole, because its entries have no names.
    return next((path[:i] for i, part in enumerate(path) if part.isdigit()), path)


def _parent(raw: MutableMapping[str, Any], path: tuple[str, ...]) -> MutableMapping[str, Any] | None:
    parent: Any = raw
    for part in path[:-1]:
        parent = parent.get(part) if isinstance(parent, MutableMapping) else None
    return parent if isinstance(parent, MutableMapping) else None


def _remove(raw: MutableMapping[str, Any], path: tuple[str, ...]) -> bool:
    """Remove the value at a path. False where there is none."""
    parent = _parent(raw, path)
    if parent is None or not path or path[-1] not in parent:
        return False
    del parent[path[-1]]
    return True


def _put_example(raw: MutableMapping[str, Any], path: tuple[str, ...]) -> bool:
    """Put the documented example at the path of a missing key. False where the path or an example is missing."""
    parent, example = _parent(raw, path), examples.value(Platform, path)
    if parent is None or example is None:
        return False
    parent[path[-1]] = example
    return True
