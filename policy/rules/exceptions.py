"""What some workloads can't do without, one object and one rule at a time.

An exception never covers a namespace: the next workload in it is judged in full.
Each must be used by the platform's own objects, or the tests fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exempt:
    rule: str
    kind: str
    namespace: str  # empty for what lives in no namespace
    name: str
    reason: str


EXCEPTIONS: tuple[Exempt, ...] = ()

_EXEMPT = {(e.rule, e.kind, e.namespace, e.name): e for e in EXCEPTIONS}
_RULES = {e.rule for e in EXCEPTIONS}


def excused(rule: str, resource: Any) -> Exempt | None:
    if rule not in _RULES or not resource.type.startswith("kubernetes:"):
        return None
    return _EXEMPT.get((rule, resource.kind, resource.namespace, resource.object_name))
