"""Machine config patches merged as Talos merges them.

The one merge of this program: what a plan announces, what waits for its turn, what `drift` and `changes` compare and
what policies judge are all results of it. Its judge is Talos' own merge, of two releases (tests/machineconfig).

Patches go over a base that the generator writes and that is not known here. So what a patch deletes is remembered,
whether an earlier patch had set it or not.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.facts.versions import GENERATED, Minor

from .deletes import Path, delete, split
from .fields import Field, Rule, fields

Key = tuple[str, str]
"""Kind and name of a document."""
Document = dict[str, Any]
Documents = dict[Key, Document]

# The document without a kind: machine: and cluster:.
LEGACY: Key = ("v1alpha1", "")

_ZERO_DURATION = frozenset({"0", "0s", "0m", "0h", "0h0m0s", "0m0s", "0ms"})


@dataclass(frozen=True)
class Fault:
    """Why Talos refuses a patch. It holds no value of the patch."""

    patch: int
    """The patch's position in the list, from 0."""
    problem: str


@dataclass(frozen=True)
class Merged:
    """What patches add up to."""

    documents: Documents = field(default_factory=dict)
    """Documents by kind and name, in the order in which they first came."""
    deleted: frozenset[tuple[Key, Path]] = frozenset()
    """Documents (path: empty) and fields that patches delete, and so from the base too."""
    faults: tuple[Fault, ...] = ()


class _Refused(Exception):
    """Talos can't merge two values. Its text holds neither."""


def key_of(document: Mapping[str, Any]) -> Key:
    """A document's kind and name, by which patches find it."""
    return (str(document["kind"]), str(document.get("name", ""))) if "kind" in document else LEGACY


def merge(patches: Iterable[Any], release: Minor = GENERATED) -> Merged:
    """Merge patches, each one document, in order, as that Talos release does. A patch that it refuses is left out."""
    documents: Documents = {}
    deleted: set[tuple[Key, Path]] = set()
    faults: list[Fault] = []
    for number, patch in enumerate(patches):
        try:
            _take(patch, release, documents, deleted)
        except _Refused as refused:
            faults.append(Fault(number, str(refused)))
    return Merged(documents, frozenset(deleted), tuple(faults))


def _take(patch: Any, release: Minor, documents: Documents, deleted: set[tuple[Key, Path]]) -> None:
    if not isinstance(patch, Mapping):
        raise _Refused("is no mapping")
    parts = split(patch)
    if parts.problem:
        raise _Refused(parts.problem)
    key = key_of(patch)
    known = fields("" if key == LEGACY else key[0], release)
    left = documents.get(key)
    for path in parts.deletes:
        left = _less(left, path, key, known)
    if parts.rest is not None:
        left = copy.deepcopy(parts.rest) if left is None else _mapping(known, left, parts.rest, False)
    documents.pop(key) if left is None and key in documents else None
    if left is not None:
        documents[key] = left
    deleted.update((key, path) for path in parts.deletes)


def _less(document: Document | None, path: Path, key: Key, known: Field) -> Document | None:
    """The document without what is at the path; None: without the document."""
    if not path:
        if key == LEGACY:
            raise _Refused("deletes the whole document of machine: and cluster:, which Talos refuses")
        return None
    if document is None:
        return None
    document, problem = delete(document, path, known)
    if problem:
        raise _Refused(problem)
    return document


def _over(known: Field, left: Any, right: Any, free: bool) -> Any:
    """One value of a patch over what earlier patches left. `free`: somewhere in free content."""
    if right is None:
        if free and left is not None:
            raise _Refused("has null in free content where an earlier patch has a value, which Talos can't merge")
        return left
    if known.rule in _BY_RULE:
        return _BY_RULE[known.rule](known, left, right)
    free = free or known.rule is Rule.OPEN
    if free and left is not None and type(left) is not type(right):
        raise _Refused("has another type of value in free content than an earlier patch, which Talos can't merge")
    if isinstance(right, Mapping):
        return copy.deepcopy(right) if not isinstance(left, Mapping) else _mapping(known, left, right, free)
    if isinstance(right, list):
        return [*(left if isinstance(left, list) else ()), *copy.deepcopy(right)]
    return left if left is not None and _unset(right, free) else right


def _unset(value: Any, free: bool) -> bool:
    return value == "" or (free and not isinstance(value, bool) and value == 0)


def _mapping(known: Field, left: Mapping[str, Any], right: Mapping[str, Any], free: bool) -> Document:
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _over(known.at(key), left.get(key), value, free)
    for key, below in known.below.items():
        if right.get(key) is not None or key not in left:
            continue
        if below.rule is Rule.RESET:
            del merged[key]
        elif below.rule is Rule.INLINE and isinstance(left[key], Mapping):
            merged[key] = _mapping(below, left[key], {}, False)
    return merged


def _count(known: Field, left: Any, right: Any) -> Any:
    return left if right == 0 and left is not None else right


def _duration(known: Field, left: Any, right: Any) -> Any:
    return left if str(right) in {"", *_ZERO_DURATION} and left is not None else right


def _word(known: Field, left: Any, right: Any) -> Any:
    return left if str(right) in ("", known.unset) and left is not None else right


def _replaced(known: Field, left: Any, right: Any) -> Any:
    return left if right == {} else copy.deepcopy(right)


def _whole(known: Field, left: Any, right: Any) -> Any:
    return copy.deepcopy(right)


def _flags(known: Field, left: Any, right: Any) -> Any:
    return {**_as(Mapping, left, {}), **copy.deepcopy(_as(Mapping, right, {}))}


def _once(known: Field, left: Any, right: Any) -> Any:
    if left is not None:
        raise _Refused("has a size of the install disk, as an earlier patch has, which Talos can't merge")
    return right


def _size(known: Field, left: Any, right: Any) -> Any:
    return left if left is not None and (right == "" or ("%" in str(right) and "%" not in str(left))) else right


def _url(known: Field, left: Any, right: Any) -> Any:
    if not left or not right:
        return left or right
    from urllib.parse import urlsplit

    try:
        below, above = urlsplit(str(left)), urlsplit(str(right))
    except ValueError:
        raise _Refused("has a URL that is none") from None
    users = [parts.netloc.rpartition("@")[0] for parts in (above, below)]
    if all(users):
        raise _Refused("has a URL with a user, as an earlier patch has, which Talos can't merge")
    host = above.netloc.rpartition("@")[2] or below.netloc.rpartition("@")[2]
    user = users[0] or users[1]
    return above._replace(
        scheme=above.scheme or below.scheme,
        netloc=f"{user}@{host}" if user else host,
        path=above.path or below.path,
        query=above.query or below.query,
        fragment=above.fragment or below.fragment,
    ).geturl()


def _as(wanted: Any, value: Any, absent: Any) -> Any:
    """The value. Raises _Refused if it is of another type, which Talos can't read."""
    if value is not None and not isinstance(value, wanted):
        raise _Refused("has a value whose type Talos does not take there")
    return absent if value is None else value


def _mappings(value: Any) -> list[Any]:
    """A list of mappings. Raises _Refused if it is none."""
    return [_as(Mapping, element, {}) for element in _as(list, value, [])]


def _listed(known: Field, left: Any, right: Any, same: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]) -> Any:
    """Each element over the first that is the same, or else after the last."""
    merged = _mappings(left)
    for element in _mappings(right):
        at = next((n for n, earlier in enumerate(merged) if same(earlier, element)), None)
        if at is None:
            merged.append(copy.deepcopy(element))
        else:
            merged[at] = _over(known.at("[]"), merged[at], element, False)
    return merged


def _keyed(key: str, absent: str | int = "") -> Callable[[Field, Any, Any], Any]:
    """A merge of lists by one key, whose zero is what an element without it has."""

    def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        return bool((one.get(key) or absent) == (other.get(key) or absent))

    return lambda known, left, right: _listed(known, left, right, same)


def _interfaces(known: Field, left: Any, right: Any) -> Any:
    return _listed(known, left, right, _same_interface)


def _same_interface(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if other.get("interface"):
        return bool(one.get("interface") == other["interface"])
    selectors = [_said(each.get("deviceSelector")) for each in (one, other)]
    # Talos compares where `physical` is kept and not what it is.
    return selectors[0] is not None and selectors[0] == selectors[1] and "physical" not in selectors[0]


def _said(selector: Any) -> dict[str, Any] | None:
    if not isinstance(selector, Mapping):
        return None
    return {key: value for key, value in selector.items() if value not in (None, "")}


def _rules(known: Field, left: Any, right: Any) -> Any:
    merged = _mappings(left)
    earlier = {rule.get("image") or "": number for number, rule in enumerate(merged)}
    for rule in copy.deepcopy(_mappings(right)):
        if (rule.get("image") or "") in earlier:
            merged[earlier[rule.get("image") or ""]] = rule
        else:
            merged.append(rule)
    return merged


_BY_RULE: dict[Rule, Callable[[Field, Any, Any], Any]] = {
    Rule.COUNT: _count,
    Rule.DURATION: _duration,
    Rule.WORD: _word,
    Rule.REPLACED: _replaced,
    Rule.CERTIFICATE: _whole,
    Rule.EVEN_EMPTY: _whole,
    Rule.RESET: _whole,
    Rule.FLAGS: _flags,
    Rule.URL: _url,
    Rule.SIZE: _size,
    Rule.ONCE: _once,
    Rule.NAMED: _keyed("name"),
    Rule.VLANS: _keyed("vlanId", 0),
    Rule.MOUNTED: _keyed("mountPath"),
    Rule.INTERFACES: _interfaces,
    Rule.RULES: _rules,
}
