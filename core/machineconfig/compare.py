"""Two machine configs compared by document and field. Pure, and nothing secret comes out.

A secret is known by where it stands, and whatever looks like one is treated as one: a value too many is hidden
rather than one too few.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

# The document without a kind: machine: and cluster:.
LEGACY = ("v1alpha1", "")
_DELETED = {"$patch": "delete"}

Key = tuple[str, str]
Documents = dict[Key, dict[str, Any]]

# Source: Talos v1.12, internal/app/machined/pkg/runtime/v1alpha1/v1alpha1_runtime.go, CanApplyImmediate.
_IN_PLACE = (
    "debug", "cluster", "machine.ca", "machine.acceptedCAs", "machine.time", "machine.certSANs", "machine.install",
    "machine.network", "machine.sysfs", "machine.sysctls", "machine.logging", "machine.controlPlane", "machine.kubelet",
    "machine.kernel", "machine.registries", "machine.pods", "machine.seccompProfiles", "machine.nodeAnnotations",
    "machine.nodeLabels", "machine.nodeTaints", "machine.features.kubernetesTalosAPIAccess", "machine.features.kubePrism",
    "machine.features.hostDNS", "machine.features.imageCache", "machine.features.nodeAddressSortAlgorithm",
)  # fmt: skip

_SECRET_NAME = re.compile(
    r"(key|token|secret|password|passphrase|auth|psk|credential|content|contents|env|environment|bootstrapToken|aescbc.*|secretbox.*)s?$",
    re.IGNORECASE,
)
# Names that end like secrets and are none.
_PLAIN_NAME = frozenset({"anonymous-auth", "keys", "apiGroup", "encryptionKeys"})
_LOOKS_SECRET = re.compile(r"-----BEGIN |://[^@\s]+@(?!sha256:)|^[A-Za-z0-9+/=_-]{40,}$")
_KNOWN_DIGEST = re.compile(r"^(sha256:)?[0-9a-f]{64}$")
HIDDEN = "(secret)"


@dataclass(frozen=True)
class Difference:
    """One field that differs. Values are texts that a person may see."""

    document: str
    path: str
    before: str
    after: str
    reboots: bool

    def __str__(self) -> str:
        where = f"{self.document}: {self.path}" if self.document else self.path
        changed = f"{self.before} -> {self.after}" if self.before != self.after else f"{HIDDEN} differs"
        return f"{where}: {changed}{' (reboots)' if self.reboots else ''}"


def parse(text: str) -> Documents:
    """The documents of a whole machine config, by kind and name. Raises ValueError, which says nothing of its content."""
    try:
        return merged(yaml.safe_load_all(text))
    except yaml.YAMLError:
        raise ValueError("is no YAML") from None


def merged(patches: Iterable[Any]) -> Documents:
    """Patches laid over each other, the later ones winning, as far as a comparison needs it."""
    found: Documents = {}
    for patch in patches:
        if isinstance(patch, Mapping) and patch:
            key = (str(patch["kind"]), str(patch.get("name", ""))) if "kind" in patch else LEGACY
            body = {
                k: v
                for k, v in patch.items()
                if k not in ("apiVersion", "kind", "version", "persist") and not (k == "name" and "kind" in patch)
            }
            found[key] = _over(found.get(key, {}), body)
    return found


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{k: _over(below.get(k), v) for k, v in above.items()}}
    return above


def differences(before: Documents, after: Documents) -> list[Difference]:
    """Every field in which they differ, in a stable order."""
    found = []
    for key in sorted({*before, *after}):
        shown = " ".join(part for part in key if part) if key != LEGACY else ""
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            # A whole document: named by its first level, so that nobody reads past it.
            found += (
                [Difference(shown, "the document", _absent(was), _absent(now), reboots=False)] if key != LEGACY else []
            )
        for path, old, new in _fields((), was or {}, now or {}):
            reboots = key == LEGACY and not any(_under(path, place) for place in _IN_PLACE)
            found.append(Difference(shown, ".".join(path), shown_value(path, old), shown_value(path, new), reboots))
    return found


def _absent(document: Any) -> str:
    return "(none)" if document is None else "there"


def _under(path: tuple[str, ...], place: str) -> bool:
    wanted = tuple(place.split("."))
    return path[: len(wanted)] == wanted


def _fields(path: tuple[str, ...], old: Any, new: Any) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if old == new or (old == _DELETED and new is None):
        return
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        left, right = (value if isinstance(value, Mapping) else {} for value in (old, new))
        if left or right:
            for key in sorted({*left, *right}, key=str):
                yield from _fields((*path, str(key)), left.get(key), right.get(key))
            return
    if path:
        yield path, old, new


def shown_value(path: tuple[str, ...], value: Any) -> str:
    """A value that may be seen by whoever reads a log."""
    if value is None:
        return "(none)"
    if secret(path, value):
        return HIDDEN
    text = value if isinstance(value, str) else json.dumps(_shown(path, value), sort_keys=True, default=str)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def _shown(path: tuple[str, ...], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: HIDDEN if secret((*path, str(k)), v) else _shown((*path, str(k)), v) for k, v in value.items()}
    if isinstance(value, list):
        return [HIDDEN if secret(path, v) else _shown(path, v) for v in value]
    return value


def secret(path: tuple[str, ...], value: Any) -> bool:
    """Whether a value is one, by its place or by its looks."""
    named = any(
        _SECRET_NAME.search(part) and part not in _PLAIN_NAME and "." not in part and "/" not in part for part in path
    )
    if named and not isinstance(value, bool):
        return True
    return isinstance(value, str) and bool(_LOOKS_SECRET.search(value)) and not _KNOWN_DIGEST.match(value)
