"""Where each key of a platform stands: in its stack file, in an included file, or in a machine's class."""

from dataclasses import dataclass, field, replace
from typing import Any

from core.model.envelope import KEY
from core.model.faults import ROOT, Fault, Place
from core.model.yamlfile import Document

_PLATFORM = ("config", KEY)


@dataclass
class Sources:
    """The files of one platform."""

    stack: Document | None
    """The stack file; None if the engine took the platform from elsewhere."""
    owners: dict[tuple[str, str], Document] = field(default_factory=dict)
    """As in Included."""

    def placed(self, fault: Fault, raw: Any) -> Fault:
        """A fault with the place of its key. raw: the platform with its included files put in."""
        if fault.at is not None or fault.root != ROOT:
            return fault
        return replace(fault, at=self._place(fault.path, raw))

    def _place(self, path: tuple[str, ...], raw: Any) -> Place | None:
        owner = self.owners.get((path[0], path[1])) if len(path) > 1 else None
        if owner:
            place, depth = owner.place(path)
        elif self.stack:
            place, depth = self.stack.place((*_PLATFORM, *path))
            depth -= len(_PLATFORM)
        else:
            return None
        if path[:1] == ("machines",) and depth == 2 and len(path) > 2 and self.stack:
            # What a machine does not say itself, its class may have said.
            shared, found = self.stack.place((*_PLATFORM, "classes", _class_of(raw, path[1]), *path[2:]))
            if found > len(_PLATFORM) + 2:
                return shared
        return place


def _class_of(raw: Any, machine: str) -> str:
    try:
        return str(raw["machines"][machine]["class"])
    except (KeyError, TypeError):
        return ""
