"""Pydantic's errors in the words of a stack file's reader, and the documented example of a field."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .faults import Fault, sentence


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """The faults of one failed validation of `model`."""
    details = error.errors(include_url=False, include_input=True)
    # Pydantic reports a list whose only entry is wrong as empty, in addition.
    return [
        Fault(_path(e), _text(e, model), e["type"] == "extra_forbidden", e["type"] == "missing")
        for e in details
        if not (e["type"] == "too_short" and e["input"])
    ]


def example(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    """The documented example of a field, or None where it has none."""
    try:
        return yaml.safe_load(_example(_field(model, path)))
    except (AttributeError, KeyError, yaml.YAMLError):
        return None


def _path(error: ErrorDetails) -> tuple[str, ...]:
    # Pydantic reports a bad key of a mapping below the key; a reader looks for the key itself.
    return tuple(str(part) for part in error["loc"] if part != "[key]")


def _missing(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence(
        "is missing", "it is required and has no default", f"write {path[-1]}: {_example(_field(model, path))}"
    )


def _no_value(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    try:
        instead = f"write {path[-1]}: {_example(_field(model, path))}, or remove the key"
    except (KeyError, IndexError):
        instead = "write a value behind it, or remove the key"
    return sentence("has no value", "a key alone sets nothing", instead)


def _choice(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    expected = str(error.get("ctx", {}).get("expected", ""))
    return sentence(
        f"{_shown(error['input'])} is not one of the allowed values",
        "no other value has a meaning here",
        f"write one of {expected}",
    )


def _integer(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence(
        f"expected an integer, got {_shown(error['input'])}",
        "this value is a count",
        "write a whole number without quotes, e.g. 2",
    )


def _bound(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    bound = str(error["msg"]).removeprefix("Input should be ")
    return sentence(
        f"{_shown(error['input'])} is out of range",
        "such a value would not work, or is a typing mistake",
        f"write a number {bound}",
    )


def _switch(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence(
        f"{_shown(error['input'])} is neither true nor false", "this value is a switch", "write true or false"
    )


def _string(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence(
        f"expected text, got {_a(error['input'])}",
        "YAML reads unquoted numbers, yes/no and dates as other types",
        "put the value in quotes",
    )


def _mapping(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence(
        f"expected a mapping, got {_a(error['input'])}",
        "its keys say what is set",
        f"write {path[-1]}: {{…}}" if path and not path[-1].isdigit() else "write a mapping",
    )


def _list(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence(f"expected a list, got {_a(error['input'])}", "the entries have an order", "write […]")


def _empty(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence("is empty", "it has no effect without an entry", "write at least one entry")


def _unknown_key(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    known = sorted(_fields(_model_at(model, path[:-1])))
    near = get_close_matches(path[-1], known, n=1)
    instead = f"did you mean {near[0]}?" if near else f"known keys here: {', '.join(known)}"
    return sentence("is not a known key", "a misspelt key would silently leave a default in force", instead)


_Wording = Callable[[ErrorDetails, type[BaseModel], tuple[str, ...]], str]
_WORDINGS: dict[str, _Wording] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "too_short": _empty,
    "string_type": _string,
    **dict.fromkeys(("literal_error", "enum"), _choice),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _integer),
    **dict.fromkeys(("greater_than_equal", "less_than_equal", "greater_than", "less_than"), _bound),
    **dict.fromkeys(("bool_type", "bool_parsing"), _switch),
    **dict.fromkeys(("model_type", "model_attributes_type", "mapping_type", "dict_type", "is_instance_of"), _mapping),
    **dict.fromkeys(("tuple_type", "list_type"), _list),
}


def _text(error: ErrorDetails, model: type[BaseModel]) -> str:
    wording = _WORDINGS.get(error["type"])
    if wording and error["input"] is None and error["type"] != "extra_forbidden":
        wording = _no_value
    if wording:
        return wording(error, model, _path(error))
    return (error.get("ctx") or {}).get("text") or str(error["msg"])


def _shown(value: Any) -> str:
    # Short plain values alone: a block of text or a mapping may contain a secret, so only its type is shown.
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str) and len(value) <= 40 and "\n" not in value:
        return repr(value)
    return f"this {_kind(value)}"


def _a(value: Any) -> str:
    kind = _kind(value)
    return {"text": "text", "missing value": "no value"}.get(kind, f"a {kind}")


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


def _model_at(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel]:
    """The model at the end of a path; keys of mappings and indices of lists are skipped.

    Raises KeyError where the path leads to no model.
    """
    at: Any = model
    for part in path:
        if isinstance(at, type) and issubclass(at, BaseModel) and part in _fields(at):
            at = _inner(_fields(at)[part].annotation)
    if not (isinstance(at, type) and issubclass(at, BaseModel)):
        raise KeyError(path)
    return at


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """A model's fields by the keys that a person writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner(annotation: Any) -> Any:
    """The model inside Optional[...], Mapping[..., ...] or a list; without one, the annotation itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    candidates = [_inner(arg) for arg in getattr(annotation, "__args__", ())]
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return models[-1] if models else annotation


def _field(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    return _fields(_model_at(model, path[:-1]))[path[-1]]


def _example(field: Any) -> str:
    return str(field.examples[0]) if field.examples else "…"
