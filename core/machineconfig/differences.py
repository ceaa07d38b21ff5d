"""In which fields two merged machine configs differ, and which of them Talos can only change by a reboot.

No secret is in a difference (redaction.py).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from core.printable import printable

from .deletes import Element, Path
from .merge import LEGACY, Document, Key, Merged, merge
from .moves import Changed, moves
from .redaction import HIDDEN, shown_value
from .written import as_written

# Fields of the document with machine: and cluster: whose change needs no reboot. A change of any other field of it
# reboots the machine, machine.udev among them. Documents with a kind never need one.
# Source: Talos v1.12, internal/app/machined/pkg/runtime/v1alpha1/v1alpha1_runtime.go, CanApplyImmediate.
IN_PLACE = (
    "debug", "cluster", "machine.ca", "machine.acceptedCAs", "machine.time", "machine.certSANs", "machine.install",
    "machine.network", "machine.sysfs", "machine.sysctls", "machine.logging", "machine.controlPlane", "machine.kubelet",
    "machine.kernel", "machine.registries", "machine.pods", "machine.seccompProfiles", "machine.nodeAnnotations",
    "machine.nodeLabels", "machine.nodeTaints", "machine.features.kubernetesTalosAPIAccess",
    "machine.features.kubePrism", "machine.features.hostDNS", "machine.features.imageCache",
    "machine.features.nodeAddressSortAlgorithm",
)  # fmt: skip
# Room for a value that was cut, and for its length behind it.
_SHOWN_CHARACTERS = 300
DOCUMENT = "the document"
Meaning = Callable[[Key, tuple[str, ...]], tuple[bool, str]]
"""Document and path of a field to whether its change has an effect, and to what sets its new value."""
# What identifies a document, and a field that Talos does not read.
_IDENTITY = frozenset({"apiVersion", "kind", "name", "version", "persist"})


@dataclass(frozen=True)
class Difference:
    """One field that differs. Each text is printable, because a machine may run a config that a stranger wrote."""

    document: str
    path: str
    before: str
    after: str
    reboots: bool
    moved: str = ""
    """Where an equal value stands on the other side, if it only moved: a path, or a document and a path in it."""
    effect: bool = True
    """Whether the machine then runs anything else; False for what only stands there in another way."""
    origin: str = ""
    """What sets the value of the config that is wanted, if it is known: a key, a patch, or the default of a release."""

    def __post_init__(self) -> None:
        """Make every text printable."""
        for name in ("document", "path", "before", "after", "moved", "origin"):
            object.__setattr__(self, name, printable(getattr(self, name), _SHOWN_CHARACTERS))

    def __str__(self) -> str:
        field = f"{self.document}: {self.path}" if self.document else self.path
        changed = f"{self.before} -> {self.after}" if self.before != self.after else f"{HIDDEN} differs"
        origin = f"; {said(self.origin)}" if self.origin else ""
        return f"{field}: {changed}{' (reboots)' if self.reboots else ''}{origin if self.effect else '; no effect'}"


def said(origin: str) -> str:
    """An origin as the end of a line says it."""
    return origin if origin.startswith("the default ") else f"set by {origin}"


def parse(text: str) -> Merged:
    """The documents of a whole machine config, in the form in which Talos writes them.

    Raises ValueError, which holds nothing of the config.
    """
    from core import boundedyaml

    merged = merge(document for document in boundedyaml.load_all(text, what="the machine config") if document)
    written = {key: as_written(key, document) for key, document in merged.documents.items()}
    return replace(merged, documents=written)


def differences(before: Merged, after: Merged, *, meaning: Meaning | None = None) -> list[Difference]:
    """Every field in which they differ, and every one that only one of them deletes, in a stable order.

    meaning: what is known of each field; without it, every difference counts.
    """
    listed: list[tuple[Key, Difference]] = []
    changed: list[Changed] = []
    for key in sorted({*before.documents, *after.documents}):
        shown, old, new = _shown_key(key), before.documents.get(key), after.documents.get(key)
        if (old is None or new is None) and key != LEGACY:
            # A whole document: named by its first level, so that nobody reads past it.
            whole = Difference(shown, DOCUMENT, _presence(old), _presence(new), reboots=False)
            listed.append((key, replace(whole, origin=meaning(key, ())[1]) if meaning else whole))
        for path, was, now in fields_that_differ(_body(key, old), _body(key, new)):
            changed.append(Changed(key, path, was, now))
            texts = shown_value(path, was), shown_value(path, now)
            meant = meaning(key, path) if meaning else (True, "")
            listed.append((key, Difference(shown, ".".join(path), *texts, _reboots(key, path), "", *meant)))
    for deleted, by_after in ((after.deleted - before.deleted, True), (before.deleted - after.deleted, False)):
        listed += [(key, _deleted(key, path, by_after, meaning)) for key, path in _sorted(deleted)]
    marks = _marks(changed)
    return [replace(each, moved=marks.get((key, each.path), "")) for key, each in listed]


def _marks(changed: list[Changed]) -> dict[tuple[Key, str], str]:
    """Where the value at a place stands on the other side: for both sides of each value that only moves."""
    marks: dict[tuple[Key, str], str] = {}
    for move in moves(changed):
        old, document = ".".join(move.old), _shown_key(move.key)
        marks[LEGACY, printable(old, _SHOWN_CHARACTERS)] = (
            f"{document}: {'.'.join(move.new[0])}" if len(move.new) == 1 else document
        )
        # A document that takes over a value is no change of its own.
        marks[move.key, DOCUMENT] = old
        marks |= {(move.key, printable(".".join(path), _SHOWN_CHARACTERS)): old for path in move.new}
    return marks


def _sorted(deleted: frozenset[tuple[Key, Path]]) -> list[tuple[Key, Path]]:
    return sorted(deleted, key=lambda each: (each[0], tuple(map(str, each[1]))))


def _deleted(key: Key, path: Path, after: bool, meaning: Meaning | None) -> Difference:
    """What only one of two configs deletes from the base, which may have it."""
    texts = tuple(_shown_part(path[:number], part) for number, part in enumerate(path))
    states = ("(as generated)", "(deleted)") if after else ("(deleted)", "(as generated)")
    # What an element of a list comes to is known of the whole list.
    fields = tuple(takewhile(lambda part: isinstance(part, str), path))
    meant = meaning(key, tuple(map(str, fields))) if meaning else (True, "")
    return Difference(_shown_key(key), ".".join(texts) or DOCUMENT, *states, _reboots(key, texts), "", *meant)


def _shown_part(above: Path, part: str | Element) -> str:
    """A part of a path as a person may see it: the value that names an element of a list may be secret."""
    if isinstance(part, str):
        return part
    return f"[{part.key}={shown_value((*map(str, above), part.key), part.value)}]"


def _shown_key(key: Key) -> str:
    return " ".join(part for part in key if part) if key != LEGACY else ""


def _body(key: Key, document: Document | None) -> Document:
    """What a document says beside which one it is."""
    return {field: value for field, value in (document or {}).items() if field not in _IDENTITY}


def _presence(document: Document | None) -> str:
    return "(none)" if document is None else "there"


def _reboots(key: Key, path: tuple[str, ...]) -> bool:
    return key == LEGACY and not any(_under(path, field) for field in IN_PLACE)


def _under(path: tuple[str, ...], field: str) -> bool:
    parts = tuple(field.split("."))
    return path[: len(parts)] == parts


def fields_that_differ(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Path, value before and value after of each field that differs, None where there is none. path: of both."""
    if old == new:
        return
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        left, right = (value if isinstance(value, Mapping) else {} for value in (old, new))
        if left or right:
            for key in sorted({*left, *right}, key=str):
                yield from fields_that_differ(left.get(key), right.get(key), (*path, str(key)))
            return
    if path:
        yield path, old, new
