"""Entries without a name: the keys of one machine or VM where names belong."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from . import examples
from .faults import Fault, fault
from .platform import Platform

_SECTIONS = ("machines", "classes", "vms", "workloads")
# One of them may be a misspelt name, or an entry that lacks its value.
_CERTAIN = 2


def faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """One fault for each section of a platform that has the keys of an entry where names belong."""
    for section in _SECTIONS:
        entries = raw.get(section)
        if not isinstance(entries, Mapping):
            continue
        keys = [key for key in _keys(section) if key in entries and not isinstance(entries[key], Mapping)]
        if len(keys) >= _CERTAIN:
            first = keys[0]
            yield fault(
                (section,),
                f"has {', '.join(keys)} where names belong",
                "each of its keys is the name of an entry",
                f"write the name above them: {section}: {{NAME: {{{first}: …}}}}",
            )


def _keys(section: str) -> Mapping[str, Any]:
    entry: type[BaseModel] = examples.model_at(Platform, (section, "NAME"))
    return examples.fields(entry)
