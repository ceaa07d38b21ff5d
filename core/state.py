"""An exported state of the engine: its secrets out of their envelopes, and the names of its resources."""

import json
from collections.abc import Mapping
from typing import Any


def unwrap_secret(value: Any) -> Any:
    """A value of a state exported with --show-secrets, without the envelopes of secrets in it, however deep they are."""
    if isinstance(value, Mapping) and "plaintext" in value:
        return unwrap_secret(json.loads(value["plaintext"]))
    if isinstance(value, Mapping):
        return {key: unwrap_secret(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unwrap_secret(inner) for inner in value]
    return value


def resource_name(resource: Mapping[str, Any]) -> str:
    """The name of an exported resource: the last part of its URN."""
    return str(resource["urn"]).rpartition("::")[2]
