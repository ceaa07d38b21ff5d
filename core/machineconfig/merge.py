"""Machine config patches merged as Talos merges them.

This is the only merge in the repository: plans, maintenance turns, identity gates, `drift`, `changes` and policies all
use it. tests/machineconfig/test_merge.py compares it with the merges of two Talos releases.

Talos applies patches to a base that its generator writes and that is not known here. So the result also holds what the
patches delete, whether an earlier patch set it or not.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.facts.versions import GENERATED, Minor

from .deletes import Path, delete, split
from .fields import fields
from .rule import Field
from .values import RefusedError, merge_mapping

Key = tuple[str, str]
"""Kind and name of a document."""
Document = dict[str, Any]
Documents = dict[Key, Document]

# The document without a kind, which holds machine: and cluster:.
LEGACY: Key = ("v1alpha1", "")


@dataclass(frozen=True)
class RefusedPatch:
    """A patch that Talos refuses. The text holds no value of the patch."""

    patch: int
    """The patch's position in the list, from 0."""
    problem: str


@dataclass(frozen=True)
class Merged:
    """The result of merging patches."""

    documents: Documents = field(default_factory=dict)
    """Documents by kind and name, in the order of the patches that created them."""
    deleted: frozenset[tuple[Key, Path]] = frozenset()
    """Document and path of everything that patches delete; the path of a whole document is empty."""
    refused: tuple[RefusedPatch, ...] = ()


def key_of(document: Mapping[str, Any]) -> Key:
    """Kind and name of a document: patches with the same key are merged into one document."""
    return (str(document["kind"]), str(document.get("name", ""))) if "kind" in document else LEGACY


def merge(patches: Iterable[Any], release: Minor = GENERATED) -> Merged:
    """Merge patches (one document each) in order, as that Talos release does. Patches that it refuses are left out."""
    documents: Documents = {}
    deleted: set[tuple[Key, Path]] = set()
    refused: list[RefusedPatch] = []
    for number, patch in enumerate(patches):
        try:
            _take(patch, release, documents, deleted)
        except RefusedError as reason:
            refused.append(RefusedPatch(number, str(reason)))
    return Merged(documents, frozenset(deleted), tuple(refused))


def states(patches: Iterable[Any], release: Minor = GENERATED) -> Iterator[tuple[Documents, str]]:
    """The documents after each patch, as merge() makes them, and why Talos refuses the patch; empty if it takes it.

    After a refused patch the documents are those before it.
    """
    documents: Documents = {}
    for patch in patches:
        documents, problem = dict(documents), ""
        try:
            _take(patch, release, documents, set())
        except RefusedError as reason:
            problem = str(reason)
        yield documents, problem


def _take(patch: Any, release: Minor, documents: Documents, deleted: set[tuple[Key, Path]]) -> None:
    """Merge one patch into `documents` and `deleted`. A refused patch changes neither."""
    if not isinstance(patch, Mapping):
        raise RefusedError("is not a mapping, and Talos merges only mappings; write fields and their values")
    parts = split(patch)
    if parts.problem:
        raise RefusedError(parts.problem)
    key = key_of(patch)
    root = fields("" if key == LEGACY else key[0], release)
    left = documents.get(key)
    for path in parts.deletes:
        left = _less(left, path, key, root)
    if parts.rest is not None:
        left = copy.deepcopy(parts.rest) if left is None else merge_mapping(root, left, parts.rest)
    if left is None:
        documents.pop(key, None)
    else:
        documents[key] = left
    deleted.update((key, path) for path in parts.deletes)


def _less(document: Document | None, path: Path, key: Key, root: Field) -> Document | None:
    """The document without what is at the path; None: without the document."""
    if not path:
        if key == LEGACY:
            raise RefusedError("deletes all of machine: and cluster:, which Talos refuses; delete single fields")
        return None
    if document is None:
        return None
    document, problem = delete(document, path, root)
    if problem:
        raise RefusedError(problem)
    return document
