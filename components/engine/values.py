"""Answer two of the SDK's most frequent questions without its general machinery, where the answer is plain.

The SDK asks of every value of every output, more than once, whether it contains something unknown, and walks the value
with a set of what it has seen; most values are texts. And it computes every resource's URN with six outputs, though the
engine answers with the URN; the one that is computed is only for programs without an engine.
"""

from typing import Any

from pulumi import Output
from pulumi.runtime import resource, rpc

from .guard import is_source, replace

# SHA-256 of the source of pulumi.runtime.rpc.contains_unknowns and pulumi.runtime.resource.create_urn in 3.255.
UNKNOWNS = "1f1f335b6f48b96055607dbb5be2e53b1163e35ec88704c89a41271070017cc8"
URN = "b4efa209c920a83ac0a652e3f00fa7e987bdb7e438231fc88146f4c372c85596"
_PLAIN = (str, bool, int, float, type(None))


def install() -> None:
    """Put the short ways before the SDK's own, where these are the known ones."""
    if is_source(rpc.contains_unknowns, UNKNOWNS):
        walk = rpc.contains_unknowns

        def contains_unknowns(val: Any) -> bool:
            return type(val) not in _PLAIN and walk(val)

        replace(rpc, "contains_unknowns", contains_unknowns)
    if is_source(resource.create_urn, URN):
        create = resource.create_urn

        def create_urn(
            name: Any, type_: Any, parent: Any = None, project: Any = None, stack: Any = None
        ) -> Output[str]:
            if not all(isinstance(each, str) for each in (name, type_, parent)):
                return create(name, type_, parent, project, stack)
            return Output.from_input(f"{parent[: parent.rfind('::')]}${type_}::{name}")

        replace(resource, "create_urn", create_urn)
