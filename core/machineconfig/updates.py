"""What an update changes in one machine's config, compared with the config of the last update."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from core.facts.versions import CONTRACTS

from .differences import Difference, Meaning, differences
from .fields import fields
from .merge import LEGACY, Merged, merge
from .rule import Field, Rule

BASE, DOCUMENTS = "base", "documents"
"""The inputs that have a machine's config without its PKI, each a list of JSON texts."""


def changes(before: Mapping[str, Any], after: Mapping[str, Any], *, meaning: Meaning | None = None) -> list[Difference]:
    """Every field that changes, in a stable order.

    before, after: BASE, what Talos' generator writes, and DOCUMENTS, which are merged over it, of each update. A state
    of an earlier release has no base, so the later one's takes its place: a patch changes what it changes in that.
    meaning: as for `differences`.
    """
    return differences(*sides(before, after), meaning=meaning)


def sides(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Merged, Merged]:
    """Both configs, merged. before, after: as for `changes`."""
    base = after.get(BASE) or ()
    return _merged(before.get(BASE) or base, before), _merged(base, after)


def unrecorded(state: Mapping[str, Any]) -> frozenset[str]:
    """The inputs that a state of an earlier release lacks, which are no change by themselves."""
    return frozenset(() if state.get(BASE) else (BASE,))


def _merged(base: Iterable[str], parts: Mapping[str, Any]) -> Merged:
    merged = merge(map(json.loads, (*base, *(parts.get(DOCUMENTS) or ()))))
    if not base:
        return merged
    # What is deleted is then absent from the documents, or was never there.
    documents = dict(merged.documents)
    if LEGACY in documents:  # Only its fields can restart a machine.
        documents[LEGACY] = _set(documents[LEGACY], fields("", CONTRACTS[-1]))
    return replace(merged, documents=documents, deleted=frozenset())


def _set(value: Any, known: Field) -> Any:
    """The value without what Talos takes for its absence: 0 and 0s in fields that are no pointers in Go."""
    if isinstance(value, Mapping):
        below = ((key, each, known.at(str(key))) for key, each in value.items())
        return {key: _set(each, of) for key, each, of in below if not _unset(each, of)}
    return [_set(each, known.at("[]")) for each in value] if isinstance(value, list) else value


def _unset(value: Any, known: Field) -> bool:
    zero = {Rule.COUNT: (0,), Rule.DURATION: (0, "0", "0s")}.get(known.rule, ())
    return value in zero and not isinstance(value, Mapping | list)
