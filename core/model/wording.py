"""Pydantic's errors in the words of a stack file's reader."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.facts.versions import CONTRACTS, minor, newest_contract, spell

from . import examples
from .faults import Fault, kind, sentence, shown
from .setting import STACK


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """The faults of one failed validation of `model`."""
    details = error.errors(include_url=False, include_input=True)
    # Pydantic reports a list whose only entry is wrong as empty, in addition.
    return [
        Fault(_path(e), _text(e, model), e["type"] == "extra_forbidden", e["type"] == "missing")
        for e in details
        if not (e["type"] == "too_short" and e["input"])
    ]


def _path(error: ErrorDetails) -> tuple[str, ...]:
    # Pydantic reports a bad key of a mapping below the key; a reader looks for the key itself.
    return tuple(str(part) for part in error["loc"] if part != "[key]")


def _missing(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    example = _newest(error["input"]) if path == ("talos", "contract") else ""
    return sentence(
        "is missing",
        "it is required and has no default",
        f"write {path[-1]}: {example or examples.of(examples.field_at(model, path))}",
    )


def _newest(talos: Any) -> str:
    """The newest contract of the Talos in this section of a stack file; empty where no such Talos is written."""
    written = talos.get("version") if isinstance(talos, Mapping) else None
    if not isinstance(written, str) or not re.fullmatch(r"v\d{1,4}\.\d{1,4}\.\d{1,4}", written, re.ASCII):
        return ""
    if minor(written) < CONTRACTS[0]:
        return ""
    contract = newest_contract(written, [key for key, value in talos.items() if value])
    return f"v{spell(contract)}, the newest contract of Talos {written}"


def _no_value(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    try:
        instead = f"write {path[-1]}: {examples.of(examples.field_at(model, path))}, or remove the key"
    except (KeyError, IndexError):
        instead = "write a value behind it, or remove the key"
    return sentence("has no value", "a key alone sets nothing", instead)


def _choice(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    expected = str(error.get("ctx", {}).get("expected", ""))
    return sentence(
        f"{shown(error['input'])} is not one of the allowed values",
        "no other value has a meaning here",
        f"write one of {expected}",
    )


def _integer(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    given = error["input"]
    quoted = isinstance(given, str) and re.fullmatch(r"[1-9][0-9]{0,15}|0", given.strip())
    example = given.strip() if quoted else examples.number(model, path)
    return sentence(
        f"expected an integer, got {shown(given)}",
        "this value is a count",
        f"leave out the quotes: {example}" if quoted else f"write a whole number without quotes, e.g. {example}",
    )


def _bound(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    bound = str(error["msg"]).removeprefix("Input should be ")
    return sentence(
        f"{shown(error['input'])} is out of range",
        "such a value would not work, or is a typing mistake",
        f"write a number {bound}",
    )


def _switch(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence(
        f"{shown(error['input'])} is neither true nor false", "this value is a switch", "write true or false"
    )


def _string(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    given = error["input"]
    if isinstance(given, bool | int | float):
        # In quotes it may be refused again, with the form that this text has.
        refused = examples.refusal_of_text(model, path, shown(given))
        if refused is not None:
            return refused
        why, instead = "YAML reads unquoted numbers, yes/no and dates as other types", "put the value in quotes"
    else:
        example = examples.shown(model, path)
        why, instead = "this value is one text", f"write e.g. {example}" if example else "write a text"
    return sentence(f"expected text, got {_a(given)}", why, instead)


def _mapping(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    example = examples.mapping(model, path)
    instead = f"write {path[-1]}: {example}" if path and not path[-1].isdigit() else f"write e.g. {example}"
    return sentence(f"expected a mapping, got {_a(error['input'])}", "its keys say what is set", instead)


def _list(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    example = examples.shown(model, path) or "[…]"
    instead = f"write {path[-1]}: {example}" if path and not path[-1].isdigit() else f"write {example}"
    return sentence(f"expected a list, got {_a(error['input'])}", "the entries have an order", instead)


def _empty(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    return sentence("is empty", "it has no effect without an entry", "write at least one entry")


# Keys of a login that people look for beside an address: the section, and the secret that has them.
_LOGINS = {
    "bmc": ("bedplate:bmc", ("username", "password")),
    "matchbox": ("bedplate:matchbox", ("ca", "certificate", "key")),
}


def _login(path: tuple[str, ...]) -> str | None:
    """What to do about a login beside the address that it is for; None for any other key."""
    root, keys = _LOGINS.get(path[-2], ("", ())) if len(path) > 1 else ("", ())
    if path[-1] not in keys:
        return None
    command = f"./bedplate pulumi config set --secret --path '{root}.{path[-1]}' --stack {STACK}"
    return sentence(
        "does not belong here",
        "the stack file is plain text, and so are plans",
        f"remove it, and encrypt it: {command}",
    )


def _unknown_key(error: ErrorDetails, model: type[BaseModel], path: tuple[str, ...]) -> str:
    if login := _login(path):
        return login
    try:
        known = sorted(examples.fields(examples.model_at(model, path[:-1])))
    except KeyError:
        known = []
    near = _beneath(model, path) or get_close_matches(path[-1], known, n=1)
    instead = f"did you mean {near[0]}?" if near else f"known keys here: {', '.join(known)}"
    return sentence("is not a known key", "a misspelt key would silently leave a default in force", instead)


def _beneath(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """The one section beside an unknown key that has a key of this name, as SECTION.KEY; none where several have it."""
    try:
        beside = examples.fields(examples.model_at(model, path[:-1]))
    except KeyError:
        return []
    places = ((*path[:-1], section) for section in beside)
    # A key of a mapping or a list would need a name as well, and a section that may be absent may be so on purpose.
    sections = [place for place in places if examples.is_section(model, place)]
    found = [place[-1] for place in sections if path[-1] in examples.fields(examples.model_at(model, place))]
    return [f"{found[0]}.{path[-1]}"] if len(found) == 1 else []


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


def _a(value: Any) -> str:
    named = kind(value)
    return {"text": "text", "missing value": "no value"}.get(named, f"a {named}")
