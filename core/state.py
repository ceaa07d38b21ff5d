"""An exported state of the engine: its secrets out of their envelopes, and the names of its resources."""

import json
from collections.abc import Mapping
from typing import Any

from core.facts import tokens
from core.native.machine import MACHINE_CONFIG

CONFIGURED = frozenset({MACHINE_CONFIG.token, tokens.CONFIGURATION_APPLY})
"""The types of the resource that holds a machine's config: of this release, and of states that older ones wrote."""


def unwrap_secret(value: Any) -> Any:
    """A value of a state exported with --show-secrets, without the envelopes of the secrets in it, at any depth."""
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


def machine_of(resource: Mapping[str, Any]) -> str:
    """The machine that an exported resource of the Talos layer belongs to.

    A resource has the name of its machine's component, talos-NAME. In states of release 0.1.0 the resources
    are beneath the cluster, and the name of the one that waits until the node is healthy ends in -settled.
    """
    name = resource_name(resource).partition("-")[2]
    has_suffix = resource["type"].endswith(":Settled") and "bedplate:talos:Machine$" not in resource["urn"]
    return name.removesuffix("-settled") if has_suffix else name
