"""A Node of the Kubernetes API compared with what is declared for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NodeDifference:
    """One label, taint or annotation that a Node does not show as declared."""

    place: str
    """labels, taints or annotations, a dot, and the key."""
    declared: str
    shown: str | None
    """What the Node shows instead; None if nothing."""

    def __str__(self) -> str:
        shown = "missing" if self.shown is None else repr(self.shown)
        return f"{self.place} is {shown}, not {self.declared!r}"


def differences(declared: Mapping[str, Any], node: Mapping[str, Any]) -> list[NodeDifference]:
    """What the Node does not show as declared.

    declared: labels, taints and annotations, each by key, as the resource NodeSettings has them. What others set on
    the Node besides is no difference.
    """
    return list(_differences(declared, node))


def _differences(declared: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[NodeDifference]:
    metadata = node.get("metadata") or {}
    for part in ("labels", "annotations"):
        has = metadata.get(part) or {}
        for key, value in declared[part].items():
            if has.get(key) != value:
                yield NodeDifference(f"{part}.{key}", value, has.get(key))
    taints: dict[str, list[str]] = {}
    for taint in (node.get("spec") or {}).get("taints") or ():
        taints.setdefault(str(taint.get("key")), []).append(_text(taint))
    for key, text in declared["taints"].items():
        if text not in taints.get(key, []):
            yield NodeDifference(f"taints.{key}", text, ", ".join(taints[key]) if key in taints else None)


def _text(taint: Mapping[str, Any]) -> str:
    """A taint as a stack file has it: value:effect, or the effect alone."""
    value = taint.get("value") or ""
    return f"{value}:{taint.get('effect')}" if value else str(taint.get("effect"))
