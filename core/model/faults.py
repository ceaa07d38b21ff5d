"""How wrong input is told: one line a fault, each with the place, the fault, the reason and the remedy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

ROOT = "platform"


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with a stack file."""

    path: tuple[str, ...]
    text: str
    surplus: bool = field(default=False, compare=False)
    """A key too many: what holds it is right without it."""
    absent: bool = field(default=False, compare=False)
    """A key too few."""

    def __str__(self) -> str:
        shown = (part if part and part.isprintable() else repr(part) for part in self.path)
        return f"{'.'.join((ROOT, *shown))}: {self.text}"


class StackFileError(Exception):
    """The stack file can't be used. Carries every fault there is, in the order of the file's paths."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))


def refuse(what: str, why: str, instead: str) -> NoReturn:
    """Ends a field's validation with our own words. Never pass a value that could be a secret."""
    raise PydanticCustomError("refused", "{text}", {"text": sentence(what, why, instead)})


def sentence(what: str, why: str, instead: str) -> str:
    """The form that every fault has."""
    return f"{what}; {why}; {instead}"


def of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """The faults of one validation, in our words where pydantic's are a programmer's."""
    told = error.errors(include_url=False, include_input=True)
    # A list whose only entry is wrong is reported as empty as well.
    return [
        Fault(_path(e), _text(e, model), e["type"] == "extra_forbidden", e["type"] == "missing")
        for e in told
        if not (e["type"] == "too_short" and e["input"])
    ]


def _path(error: ErrorDetails) -> tuple[str, ...]:
    # A bad mapping key is reported below the key; the reader looks for the key itself.
    return tuple(str(part) for part in error["loc"] if part != "[key]")


def _text(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, path = error["type"], _path(error)
    match kind:
        case "refused":
            return str(error["msg"])
        case "missing":
            field = _field(model, path)
            hint = _example(field)
            return sentence("is missing", "nothing sensible can be assumed for it", f"write {path[-1]}: {hint}")
        case "extra_forbidden":
            return _unknown_key(model, path)
        case "literal_error" | "enum":
            expected = str(error.get("ctx", {}).get("expected", ""))
            return sentence(
                f"{_shown(error['input'])} is not one of the values there are",
                "anything else would be ignored or refused later, half-way",
                f"write one of {expected}",
            )
        case "int_type" | "int_parsing" | "int_from_float":
            return sentence(
                f"{_shown(error['input'])} is not a whole number", "it is counted, not read", "write e.g. 2"
            )
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            bound = str(error["msg"]).removeprefix("Input should be ")
            return sentence(
                f"{_shown(error['input'])} is out of range", "nothing could honour it", f"write a number {bound}"
            )
        case "bool_type" | "bool_parsing":
            return sentence(
                f"{_shown(error['input'])} is neither true nor false", "it is a switch", "write true or false"
            )
        case "string_type":
            return sentence(
                f"a {_kind(error['input'])} stands where text belongs",
                "YAML reads unquoted numbers, yes/no and dates as something other than text",
                "put it in quotes",
            )
        case "model_type" | "model_attributes_type" | "mapping_type" | "dict_type" | "is_instance_of":
            return sentence(
                f"a {_kind(error['input'])} stands where a mapping belongs",
                "its keys name what is set",
                f"write {path[-1]}: {{…}}" if path and not path[-1].isdigit() else "write a mapping",
            )
        case "tuple_type" | "list_type":
            return sentence(f"a {_kind(error['input'])} stands where a list belongs", "order counts here", "write […]")
        case "too_short":
            return sentence("is empty", "a platform needs at least one", "write at least one entry")
        case _:
            return str(error["msg"])


def _shown(value: Any) -> str:
    # Only short plain values: a block of text or a mapping may hold anything, so it is named and not shown.
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str) and len(value) <= 40 and "\n" not in value:
        return repr(value)
    return f"this {_kind(value)}"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "true/false value"
        case int() | float():
            return "number"
        case str():
            return "text"
        case Mapping():
            return "mapping"
        case Sequence():
            return "list"
        case None:
            return "missing value"
        case _:
            return type(value).__name__


def _unknown_key(model: type[BaseModel], path: tuple[str, ...]) -> str:
    known = sorted(_fields(_model_at(model, path[:-1])))
    near = get_close_matches(path[-1], known, n=1)
    instead = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return sentence("is not a known key", "a misspelt key would silently leave a default in force", instead)


def _model_at(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel]:
    """The model that a path leads to; a mapping's key or a list's index is passed over."""
    at: Any = model
    for part in path:
        if isinstance(at, type) and issubclass(at, BaseModel) and part in _fields(at):
            at = _inner(_fields(at)[part].annotation)
    return at


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """A model's fields by the keys that a person writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner(annotation: Any) -> Any:
    """The model somewhere inside Optional[...], Mapping[..., ...] or a list; else what was given."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_inner(arg) for arg in getattr(annotation, "__args__", ())]
    models = [f for f in found if isinstance(f, type) and issubclass(f, BaseModel)]
    return models[-1] if models else annotation


def example(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    """What a field's documentation shows for it, or None."""
    try:
        return yaml.safe_load(_example(_field(model, path)))
    except (AttributeError, KeyError, yaml.YAMLError):
        return None


def _field(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    return _fields(_model_at(model, path[:-1]))[path[-1]]


def _example(field: Any) -> str:
    return str(field.examples[0]) if field.examples else "…"
