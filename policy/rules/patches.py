"""The machine configuration that a list of patches adds up to, as Talos merges them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .field import DELETED, Fault, Field, Malformed

DELETE = "$patch"
# What Talos' types mark to be replaced as a whole (merge:"replace"), where all else is merged.
REPLACED = (
    ("cluster", "apiServer", "auditPolicy"),
    ("cluster", "network", "podSubnets"),
    ("cluster", "network", "serviceSubnets"),
)
# How a stack file's recorded exceptions reach the rules: annotations that no patch of a user may write.
EXCEPTION = "bedplate/exception-"


@dataclass(frozen=True)
class MachineConfig:
    """Patches over a base that nobody can see: absent here means "as the generator wrote it"."""

    legacy: Mapping[str, Any] = field(default_factory=dict)  # the v1alpha1 document
    documents: Mapping[tuple[str, str], Any] = field(default_factory=dict)  # (kind, name) -> document
    faults: tuple[str, ...] = ()

    @property
    def v1alpha1(self) -> Field:
        return Field(self.legacy)

    @property
    def excepted(self) -> frozenset[str]:
        """Controls, as rules name them, that the stack file does without on this machine, with a reason and an end."""
        marked = [
            self.v1alpha1.at("machine", "nodeAnnotations"),
            *(node["annotations"] for node in self.of("KubeNodeConfig")),
        ]
        keys = [key for place in marked if isinstance(place.value, dict) for key in place.value]
        return frozenset(
            key.removeprefix(EXCEPTION).replace("-", " ", 1).upper() for key in keys if key.startswith(EXCEPTION)
        )

    def of(self, kind: str) -> list[Field]:
        return [Field(body, kind) for (found, _), body in self.documents.items() if found == kind]


def merge(patches: Field) -> MachineConfig:
    """Later patches win: mappings merge, lists append, anything else is replaced.

    What can't be read is listed in `faults` for one rule to report, so that one
    bad patch is one complaint instead of one per rule.
    """
    legacy: dict[str, Any] = {}
    documents: dict[tuple[str, str], Any] = {}
    faults: list[str] = []
    for document in _documents(patches, faults):
        if "kind" in document:
            key = (str(document["kind"]), str(document.get("name", "")))
            documents[key] = DELETED if document.get(DELETE) == "delete" else _over(documents.get(key), document)
        else:
            legacy = _over(_without_replaced(legacy, document), document)
    return MachineConfig(legacy, documents, tuple(faults))


def _documents(patches: Field, faults: list[str]) -> Iterator[dict[str, Any]]:
    try:
        items = patches.items()
    except Fault as fault:
        faults.append(str(fault))
        return
    for item in items:
        try:
            yield _document(item)
        except Fault as fault:
            faults.append(str(fault))


def _document(patch: Field) -> dict[str, Any]:
    text = patch.text()
    try:
        document = json.loads(text or "")
    except (ValueError, RecursionError):
        raise Malformed(patch.path, "one JSON document") from None
    if isinstance(document, list):
        raise Malformed(patch.path, "a strategic merge patch (Talos refuses JSON6902 lists on typed documents)")
    if not isinstance(document, dict):
        raise Malformed(patch.path, "a mapping")
    if not isinstance(document.get("kind", ""), str) or not isinstance(document.get("name", ""), str):
        raise Malformed(patch.path, "a document whose kind and name are texts")
    if "kind" not in document:
        for section in ("machine", "cluster"):
            if not isinstance(document.get(section, {}), dict):
                raise Malformed(f"{patch.path}.{section}", "a mapping")
    if _depth(document) > 64:
        raise Malformed(patch.path, "a document of a sane depth")
    return document


def _depth(value: Any) -> int:
    """Counted without recursion: the merge below recurses, and must not run out of stack."""
    depth, level = 0, [value]
    while level and depth <= 64:
        depth += 1
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth


def _without_replaced(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    for path in REPLACED:
        if _at(patch, path) is not None:
            base = _less(base, path)
    return base


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _less(value: Any, path: tuple[str, ...]) -> Any:
    """The mapping without what stands at the path."""
    if not isinstance(value, dict) or path[0] not in value:
        return value
    rest = {key: inner for key, inner in value.items() if key != path[0]}
    return rest if len(path) == 1 else {**rest, path[0]: _less(value[path[0]], path[1:])}


def _over(base: Any, patch: Any) -> Any:
    if isinstance(patch, dict):
        if patch.get(DELETE) == "delete":
            return DELETED
        under = base if isinstance(base, dict) else {}
        return {**under, **{key: _over(under.get(key), value) for key, value in patch.items()}}
    if isinstance(patch, list):
        return [*(base if isinstance(base, list) else ()), *patch]
    # Talos decodes a patch into its own types first: null and "" then look like "not said".
    return base if patch is None or patch == "" else patch
