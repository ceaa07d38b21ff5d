"""Which key or patch of the stack file sets a value of a machine's config, as reports name it."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.machineconfig.merge import LEGACY, Key
from core.model import Platform
from core.model.patches import Place, spelled

from .machine import Effective
from .owned import BEDPLATE, KEPT, owned

Path = tuple[str, ...]
# Fields that a key sets, and a patch may set too: the rest of what Bedplate's documents have, in the form of owned.py.
_SHARED = {
    "machines.*.labels and machines.*.location": "machine.nodeLabels KubeNodeConfig.labels",
    "machines.*.taints": "machine.nodeTaints KubeNodeConfig.taints",
    "talos.containerd and machines.*.containerd": "machine.files CRICustomizationConfig",
    "talos.modules and machines.*.modules": "machine.kernel KernelModuleConfig",
    "machines.*.install.disk": "machine.nodeAnnotations KubeNodeConfig.annotations",
    "talos.hardening.serving_certificates": (
        "cluster.apiServer.extraArgs.kubelet-certificate-authority "
        "KubeAPIServerConfig.extraArgs.kubelet-certificate-authority"
    ),
}
# Keys whose value has a name for each entry, as the field has.
_BY_NAME = frozenset({"sysctls", "labels", "taints"})


class Origins:
    """The origins of one machine's values, and the places of those that the stack file has."""

    def __init__(self, machine: Effective, places: dict[str, Place] | None = None) -> None:
        self._machine = machine
        self.places: dict[str, Place] = {} if places is None else places
        """An origin's text to its keys from the platform down; `of` adds to it."""

    def of(self, key: Key, path: Path) -> str:
        """What sets the value at a path of a document; empty where nothing ever set it."""
        source = self._machine.origins.source(key, path)
        if source is None:
            return ""
        if source.place:
            return self._named(source.place)
        return self._key(_owner(key, path), path, source.origin)

    def key(self, dotted: str) -> str:
        """A key of the stack file as an origin, such as talos.version."""
        return self._named(tuple(dotted.split(".")))

    def _named(self, place: Place) -> str:
        text = spelled(place)
        self.places[text] = place
        return text

    def _key(self, owner: str, path: Path, origin: str) -> str:
        """The key that sets a field, by what the tables name as its owner. origin: of the document that sets it."""
        generated = origin if origin.startswith("the default ") else ""
        if owner in ("", BEDPLATE):
            return generated or "Bedplate"
        # Of several keys for one thing, the last is the most specific; what stands behind `with` adds to the first.
        keys = [tuple(key.split(".")) for key in owner.partition(" with ")[0].split(" and ")]
        for generic in reversed(keys):
            place = tuple(self._machine.name if part == "*" else part for part in generic)
            if is_given(self._machine.platform, place, path[-1] if path else ""):
                return self._named(place)
        return generated or f"the default of {spelled(keys[0])}"


def is_given(platform: Platform, place: Place, name: str = "") -> bool:
    """Whether the stack file has a value at these keys; name: of the entry that counts, where each has one."""
    value: Any = platform
    for part in place:
        if isinstance(value, Mapping):
            if part not in value:
                return False
            value = value[part]
        else:
            fields = getattr(type(value), "model_fields", {})
            named = next((name for name, field in fields.items() if part in (name, field.alias)), "")
            if named not in getattr(value, "model_fields_set", ()):
                return False
            value = getattr(value, named)
    return not isinstance(value, Mapping) or place[-1] not in _BY_NAME or name in value


def _owner(key: Key, path: Path) -> str:
    """The key that owns the longest part of a path; empty where the tables know none."""
    kind = "" if key == LEGACY else key[0]
    found = max(_owners(kind, path), default=(0, ""))
    if found[1] or (kind == "" and path[:2] != ("machine", "sysctls")):
        return "machines.*" if found[1] == "machines" else found[1]
    return KEPT.get(kind, "")


def _owners(kind: str, path: Path) -> Iterator[tuple[int, str]]:
    """The length of each row that a path is in, and the row's owner."""
    for row in owned():
        if row.kind == kind and path[: len(row.path)] == row.path:
            yield len(row.path) + 1, row.owner
    for owner, fields in _SHARED.items():
        for field in fields.split():
            head, *rest = field.split(".")
            of, below = ("", (head, *rest)) if head.islower() else (head, tuple(rest))
            if of == kind and path[: len(below)] == below:
                yield len(below) + 1, owner
