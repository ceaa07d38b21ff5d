"""Sections with nothing beneath them, such as `vms:` after its last entry was commented out: nothing is set there."""

from collections.abc import Mapping, Sequence, Set
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .plain import OrPlain

_UNIONS = (Union, UnionType)


def without_empty_sections(raw: Any, model: type[BaseModel]) -> Any:
    """The value of a model without the keys of mappings and lists that have no value.

    What has a meaning of its own without a value, and a single value that lacks one, stay.
    """
    if not isinstance(raw, Mapping):
        return raw
    fields = _fields(model)
    kept = {}
    for key, value in raw.items():
        is_section, entries = fields.get(key, (False, None))
        if value is None and is_section:
            continue
        kept[key] = _inner(value, entries) if entries else value
    return kept


def _inner(value: Any, entries: tuple[type[BaseModel], bool]) -> Any:
    model, nested = entries
    if not nested:
        return without_empty_sections(value, model)
    if isinstance(value, Mapping):
        return {name: without_empty_sections(entry, model) for name, entry in value.items()}
    if isinstance(value, list):
        return [without_empty_sections(entry, model) for entry in value]
    return value


@cache
def _fields(model: type[BaseModel]) -> dict[str, tuple[bool, tuple[type[BaseModel], bool] | None]]:
    """Key of a field to whether it is a section that can't be empty, and the model of its value or of its entries."""
    return {field.alias or name: _field(field) for name, field in model.model_fields.items()}


def _field(field: FieldInfo) -> tuple[bool, tuple[type[BaseModel], bool] | None]:
    members = list(_members(field.annotation))
    entries = [(member, False) for member in members if _is(member, BaseModel)]
    collections = [member for member in members if _is(get_origin(member) or member, (Mapping, Sequence, Set))]
    collections = [member for member in collections if not _is(get_origin(member) or member, (str, bytes))]
    for collection in collections:
        values = [inner for argument in get_args(collection) for inner in _members(argument)]
        entries += [(value, True) for value in values if _is(value, BaseModel)]
    plain = type(None) in members or any(isinstance(each, OrPlain) for each in field.metadata)
    is_section = bool(entries or collections) and not plain
    return is_section, entries[0] if len(entries) == 1 else None


def _members(annotation: Any) -> list[Any]:
    """The types of a union, without their annotations."""
    if hasattr(annotation, "__metadata__"):
        return _members(annotation.__origin__)
    if isinstance(annotation, type) or get_origin(annotation) not in _UNIONS:
        return [annotation]
    return [member for argument in get_args(annotation) for member in _members(argument)]


def _is(annotation: Any, kinds: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, kinds)
