"""Which fields a document of machine config has, and of which type: what Talos would refuse to read in a patch.

Source: the Go types of Talos v1.12.0 and v1.14.1 (pkg/machinery/config/types), kept in shapes/. A test reads those
types out of both releases and compares them with the files.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from .contracts import MOVED
from .versions import Minor, spell

# Source: Talos v1.14.1, pkg/machinery/config/configloader/internal/decoder/delete.go.
PATCH = "$patch"
"""The key of a delete in a patch."""
# Source: Talos v1.14.1, the apiVersion of each document in pkg/machinery/config/types.
API_VERSION = "v1alpha1"
# Source: the types of both releases, see above; `python -m tests.machineconfig.shapes` writes the files.
SHAPES = Path(__file__).with_name("shapes")
"""The folder of the files."""
# The name of a shape is what the type is made of. A mapping of shapes has the fields of a struct by name, `[]` for the
# elements of a list, or `*` for the values of any key.
Shape = str | dict[str, Any]
_NOUNS = {"bool": "true or false", "string": "a text", "int": "a whole number", "uint": "a whole number from 0 on"}


@dataclass(frozen=True)
class Problem:
    """Why Talos can't read one place of a patch. Holds no value of the patch."""

    path: tuple[str, ...]
    what: str
    instead: str


@cache
def shapes(release: Minor) -> dict[str, dict[str, Any]]:
    """The kinds of documents that a Talos release reads, each with its fields; "" has machine: and cluster:."""
    known = "v1.12" if release < (1, 13) else "v1.14"
    read: dict[str, dict[str, Any]] = json.loads((SHAPES / f"{known}.json").read_text(encoding="utf-8"))
    return read


def problems(patch: Mapping[str, Any], release: Minor) -> Iterator[Problem]:
    """What that Talos release can't read in a patch. A kind that it does not know is no concern of this."""
    if "kind" not in patch:
        yield from _fields((), patch, shapes(release)[""], release)
        return
    shape = shapes(release).get(str(patch["kind"]))
    if large := sorted({"machine", "cluster"} & set(patch)):
        yield Problem(
            (large[0],), f"stands in a document of kind {patch['kind']}", f"write {large[0]}: in a patch of its own"
        )
        return
    if patch.get("apiVersion") != API_VERSION:
        yield Problem(("apiVersion",), f"is not {API_VERSION}, the only one that Talos has", f"write {API_VERSION}")
    if shape is None:
        return
    if "name" in shape and not _is_text(patch.get("name")):
        yield Problem((), f"has no name, and each {patch['kind']} has one", "write name: and which document is meant")
    body = {key: value for key, value in patch.items() if key not in ("apiVersion", "kind", "name")}
    renamed = {old.rpartition(".")[2]: name for old, (kind, name) in MOVED.items() if kind == patch["kind"]}
    for problem in _fields((), body, shape, release):
        name = renamed.get(problem.path[0]) if len(problem.path) == 1 else None
        yield replace(problem, instead=f"write {name}, its name in this document") if name else problem


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _fields(
    path: tuple[str, ...], value: Mapping[str, Any], shape: dict[str, Any], release: Minor
) -> Iterator[Problem]:
    if value.get(PATCH) is not None:
        if value[PATCH] != "delete":
            yield Problem((*path, PATCH), "is something other than delete", "write $patch: delete, or remove it")
        return
    for key, inner in value.items():
        below = shape.get(str(key), shape.get("*"))
        if below is None:
            yield Problem((*path, str(key)), f"is not a field that Talos {spell(release)} has", _meant(str(key), shape))
        else:
            yield from _value((*path, str(key)), inner, below, release)


def _meant(key: str, shape: Mapping[str, Any]) -> str:
    near = get_close_matches(key, shape, n=1)
    return f"did you mean {near[0]}?" if near else "look the field up in Talos' configuration reference"


def _value(path: tuple[str, ...], value: Any, shape: Shape, release: Minor) -> Iterator[Problem]:
    if value is None or shape == "any":
        return
    if isinstance(value, Mapping) and PATCH in value:
        # A delete may stand in place of any value.
        yield from _fields(path, value, {}, release)
    elif isinstance(shape, str):
        if not _fits(value, shape):
            yield Problem(path, f"is {noun(value)}, and Talos takes {_NOUNS[shape]} here", f"write {_NOUNS[shape]}")
    elif "[]" in shape:
        if not isinstance(value, list | tuple):
            yield Problem(path, f"is {noun(value)}, and Talos takes a list here", "write […]")
            return
        for number, inner in enumerate(value):
            yield from _value((*path, str(number)), inner, shape["[]"], release)
    elif not isinstance(value, Mapping):
        yield Problem(path, f"is {noun(value)}, and Talos takes a mapping here", "write {…}")
    else:
        yield from _fields(path, value, shape, release)


def _fits(value: Any, shape: str) -> bool:
    if shape == "bool":
        return isinstance(value, bool)
    if shape == "string":
        # Talos reads a number or true without quotes as the text that stands there.
        return isinstance(value, str | int | float)
    return is_whole(value) and (shape == "int" or value >= 0)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, as 1 and 1.0 are, and true is not."""
    return not isinstance(value, bool) and isinstance(value, int | float) and float(value).is_integer()


def noun(value: Any) -> str:
    """What a message calls a value."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"
