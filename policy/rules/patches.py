"""The machine configuration that a list of patches adds up to, as Talos merges them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.facts.document_fields import PATCH
from core.machineconfig import merge as talos
from core.machineconfig.deletes import Element, Path

from .field import DELETED, Field, Malformed, UnjudgeableField

# Prefix of the Node annotations that carry recorded exceptions. Patches of users may not set them.
EXCEPTION = "bedplate/exception-"


@dataclass(frozen=True)
class MachineConfig:
    """What patches add up to. The base below them is unknown, so an absent field means the generator's value."""

    legacy: Mapping[str, Any] = field(default_factory=dict)  # the v1alpha1 document
    documents: Mapping[tuple[str, str], Any] = field(default_factory=dict)  # (kind, name) -> document
    faults: tuple[str, ...] = ()

    @property
    def v1alpha1(self) -> Field:
        """The document without a kind, with the sections machine and cluster."""
        return Field(self.legacy)

    @property
    def excepted(self) -> frozenset[str]:
        """Controls, as rules name them, for which the stack file records an exception for this machine."""
        marked = [
            self.v1alpha1.at("machine", "nodeAnnotations"),
            *(node["annotations"] for node in self.of("KubeNodeConfig")),
        ]
        keys = [key for place in marked if isinstance(place.value, dict) for key in place.value]
        return frozenset(
            key.removeprefix(EXCEPTION).replace("-", " ", 1).upper() for key in keys if key.startswith(EXCEPTION)
        )

    def of(self, kind: str) -> list[Field]:
        """The documents of a kind, whatever their names."""
        return [Field(body, kind) for (of_kind, _), body in self.documents.items() if of_kind == kind]


def merge(patches: Field) -> MachineConfig:
    """The patches merged as Talos merges them (core/machineconfig/merge.py), with DELETED where they delete.

    What can't be read or merged is listed in `faults` for one rule to report, so that one
    bad patch is one complaint instead of one per rule.
    """
    faults: list[str] = []
    read = list(_documents(patches, faults))
    merged = talos.merge(document for _, document in read)
    faults += [f"{read[refused.patch][0]} {refused.problem}" for refused in merged.refused]
    documents: dict[talos.Key, Any] = {talos.LEGACY: {}, **merged.documents}
    # Whole documents first: a field of a deleted document needs no mark.
    for key, path in sorted(merged.deleted, key=lambda each: len(each[1])):
        if not path:
            documents.setdefault(key, DELETED)
        else:
            documents[key] = _marked(documents.get(key, {}), path)
    return MachineConfig(documents.pop(talos.LEGACY), documents, tuple(faults))


def _marked(document: Any, path: Path) -> Any:
    """The document with DELETED at the path, unless a later patch set it again."""
    key, rest = path[0], path[1:]
    if not isinstance(document, dict) or not isinstance(key, str):
        return document
    inner = document.get(key)
    if not rest:
        return {**document, key: DELETED if inner is None else inner}
    if isinstance(rest[0], Element):
        return {**document, key: _marked_list(inner, rest[0])}
    below = _marked({} if inner is None else inner, rest)
    return document if below == {} and inner is None else {**document, key: below}


def _marked_list(elements: Any, named: Element) -> Any:
    """The list with the deleted element as a patch writes it, because the base may have that element."""
    present = [] if elements is None else elements
    if not isinstance(present, list) or any(named.names(element) for element in present):
        return elements
    return [*present, {named.key: named.value, PATCH: "delete"}]


def _documents(patches: Field, faults: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and content of each patch that can be read; the reasons of the others are added to `faults`."""
    try:
        items = patches.items()
    except UnjudgeableField as reason:
        faults.append(str(reason))
        return
    for item in items:
        try:
            yield item.path, _document(item)
        except UnjudgeableField as reason:
            faults.append(str(reason))


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
    """Counted without recursion: the merge recurses, and must not run out of stack."""
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
