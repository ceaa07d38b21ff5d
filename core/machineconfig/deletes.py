"""`$patch: delete` in a patch: which fields and documents it deletes, and how they are deleted from a document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.facts.document_fields import PATCH

from .rule import Field, Rule

# A document that is left with only these fields after its deletes were taken out is no document.
_EMPTY = frozenset({"version", "kind", "name"})


_UNNAMED = f"deletes an element of a list, and Talos can't tell which; write a key and its value beside {PATCH}"
_NESTED = (
    "deletes an element of a list inside an element of a list, which Talos refuses; "
    "delete the outer element and set it again"
)
_NO_STRING = ", which is not a string, so Talos finds no element; write a key with a string first"
_FREE_ELEMENT = "deletes an element of a list of free content or certificates, which Talos refuses; delete the list"


@dataclass(frozen=True)
class Element:
    """An element of a list as a delete names it: by its first key and the value of that key."""

    key: str
    value: Any

    def names(self, element: Any) -> bool:
        """Whether this names an element. An element without the key counts as one with an empty value."""
        return isinstance(element, Mapping) and (element.get(self.key) or "") == self.value

    def __str__(self) -> str:
        return f"[{self.key}={self.value}]"


Path = tuple[str | Element, ...]


class _Gone:
    """The place of a value that consists of deletes only."""


_GONE = _Gone()


@dataclass
class Split:
    """A patch: the paths it deletes, the rest to merge (None: nothing), and why Talos refuses it, or an empty text."""

    deletes: list[Path]
    rest: dict[str, Any] | None
    problem: str = ""


def split(patch: Mapping[str, Any]) -> Split:
    """Separate a patch's deletes from the rest. Talos carries out the deletes first, wherever they are written."""
    parts = Split([], None)
    rest = _rest(patch, (), parts)
    if isinstance(rest, dict) and not _is_empty(rest):
        parts.rest = rest
    if parts.rest is None and not parts.deletes and not parts.problem:
        parts.problem = "is empty, which Talos refuses; remove it"
    return parts


def _is_empty(document: Mapping[str, Any]) -> bool:
    return all(key in _EMPTY and not isinstance(value, dict | list) for key, value in document.items())


def _rest(value: Any, path: Path, into: Split) -> Any:
    """The value without its deletes; _GONE if it is a mapping or list that held nothing else."""
    if isinstance(value, Mapping):
        if value.get(PATCH) == "delete":
            if any(str(part).startswith("[") for part in path):
                into.problem = "deletes a field inside an element of a list, which Talos refuses; delete the element"
            into.deletes.append(path)
            return _GONE
        pairs = {key: _rest(inner, (*path, str(key)), into) for key, inner in value.items()}
        kept = {key: inner for key, inner in pairs.items() if inner is not _GONE}
        return kept if kept or not pairs else _GONE
    if isinstance(value, list):
        elements = [_element(inner, path, into) for inner in value]
        left = [inner for inner in elements if inner is not _GONE]
        return left if left or not elements else _GONE
    return value


def _element(value: Any, path: Path, into: Split) -> Any:
    if not isinstance(value, Mapping) or value.get(PATCH) != "delete":
        return _rest(value, (*path, "[]"), into)
    named = [Element(str(key), inner) for key, inner in value.items() if key != PATCH]
    if not named:
        into.problem = _UNNAMED
    elif any(str(part).startswith("[") for part in path):
        into.problem = _NESTED
    elif not isinstance(named[0].value, str):
        into.problem = f"names the element to delete by {named[0].key}{_NO_STRING}"
    else:
        into.deletes.append((*path, named[0]))
    return _GONE


def delete(document: Mapping[str, Any], path: Path, field: Field) -> tuple[dict[str, Any], str]:
    """The document without the field at the path, and why Talos refuses the delete (empty: it does not).

    A missing field is not a fault, because the base may have it.
    """
    key, rest = path[0], path[1:]
    inner = document.get(str(key))
    if inner is None:
        return dict(document), ""
    if not rest:
        return {k: v for k, v in document.items() if k != key}, ""
    below = field.at(str(key))
    if below.rule is Rule.CERTIFICATE:
        return dict(document), "deletes a part of a certificate with its key, which Talos refuses; delete both"
    if isinstance(rest[0], Element):
        if below.rule in (Rule.OPEN, Rule.CERTIFICATES):
            return (
                dict(document),
                _FREE_ELEMENT,
            )
        return {**document, str(key): _without(inner, rest[0])}, ""
    if not isinstance(inner, Mapping):
        return dict(document), ""
    changed, problem = delete(inner, rest, _inside(below))
    return {**document, str(key): changed}, problem


def _inside(field: Field) -> Field:
    """The rules of the fields below a field: below free content everything is free content."""
    return Field(field.rule, below={"*": field}) if field.rule is Rule.OPEN and not field.below else field


def _without(elements: Any, named: Element) -> Any:
    if not isinstance(elements, list):
        return elements
    first = next((number for number, element in enumerate(elements) if named.names(element)), None)
    return elements if first is None else [*elements[:first], *elements[first + 1 :]]
