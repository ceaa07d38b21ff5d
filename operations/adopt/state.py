"""A stack's state with a cluster's secrets in it: pure data in and out.

The resources added are those that the plugin would have created, under the names that the program gives them. So the
next plan shows no change for them, and an `up` gives these secrets to the machines. They are added in one step: when
the command is interrupted, the state has either all secrets of the cluster or none.
"""

import copy
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.facts import tokens
from core.facts.secrets import SECRET, SECRET_OUTPUTS, SIGNATURE
from core.state import unwrap_secret

# The mark of a secret in an exported state. The engine encrypts the plain text beside it when it imports the state.
_SECRET = {SIGNATURE: SECRET}
KIND, COMPONENT = tokens.SECRETS, "bedplate:talos:Talos"
# The names that the program gives these resources; a test holds them equal.
NAME, PARENT = "talos-secrets", "talos"


class Occupied(Exception):
    """The stack has secrets already."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Whose state it is, and the plugin that its secrets belong to."""

    stack: str
    project: str
    contract: str
    version: str
    """Version of the plugin, as its SDK requests it."""
    source: str
    """Download address of the plugin, as its SDK requests it."""

    def urn(self, kind: str, name: str) -> str:
        """The URN of a resource. `kind` is its type, with the types of its parents before it."""
        return f"urn:pulumi:{self.stack}::{self.project}::{kind}::{name}"


def held(deployment: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The secrets that a state holds already, in plain text; None where it has none.

    Its keys are those of the plugin: certs, cluster, secrets and trustdinfo.
    """
    resource = next((r for r in deployment.get("resources") or () if r.get("type") == KIND), None)
    if resource is None:
        return None
    secrets: Mapping[str, Any] = unwrap_secret((resource.get("outputs") or {}).get("machineSecrets") or {})
    return secrets


def put(
    deployment: Mapping[str, Any], place: Place, material: Mapping[str, Any], client: Mapping[str, str]
) -> dict[str, Any]:
    """A copy of the deployment document of a state, with the secrets in it. Raises Occupied where it has some."""
    if held(deployment) is not None:
        raise Occupied
    copied: dict[str, Any] = copy.deepcopy(dict(deployment))
    resources: list[dict[str, Any]] = copied.setdefault("resources", None) or []
    copied["resources"] = resources
    there = {resource["urn"]: resource for resource in resources}

    def at(urn: str, **resource: Any) -> dict[str, Any]:
        if urn not in there:
            there[urn] = {"urn": urn, **resource}
            resources.append(there[urn])
        return there[urn]

    # The engine requires each resource to come after the resources that it refers to.
    stack = at(
        place.urn("pulumi:pulumi:Stack", f"{place.project}-{place.stack}"), custom=False, type="pulumi:pulumi:Stack"
    )
    parent = at(place.urn(COMPONENT, PARENT), custom=False, type=COMPONENT, parent=stack["urn"])
    provider = next((r for r in resources if r["type"] == tokens.TALOS_PROVIDER), None) or at(
        **_default_provider(place)
    )
    at(**_secrets(place, material, client), parent=parent["urn"], provider=f"{provider['urn']}::{provider['id']}")
    return copied


def _default_provider(place: Place) -> dict[str, Any]:
    # The engine's own name for a default provider: from its version and its source.
    name = f"default_{place.version.replace('.', '_')}_{place.source.replace('://', '_/')}"
    return {
        "urn": place.urn(tokens.TALOS_PROVIDER, name),
        "custom": True,
        "type": tokens.TALOS_PROVIDER,
        "id": str(uuid.uuid4()),
        "inputs": {"version": place.version, "__internal": {"pluginDownloadURL": place.source}},
        "outputs": {"version": place.version},
    }


def _secrets(place: Place, material: Mapping[str, Any], client: Mapping[str, str]) -> dict[str, Any]:
    return {
        "urn": place.urn(f"{COMPONENT}${KIND}", NAME),
        "custom": True,
        "type": KIND,
        "id": "machine_secrets",
        "inputs": {"talosVersion": place.contract},
        "outputs": {
            # The schema version of the plugin's own state: without it the plugin would upgrade the state.
            "__meta": '{"schema_version":"1"}',
            "id": "machine_secrets",
            "talosVersion": place.contract,
            "clientConfiguration": secret(client),
            "machineSecrets": secret(material),
        },
        "protect": True,
        "retainOnDelete": True,
        "additionalSecretOutputs": list(SECRET_OUTPUTS[KIND]),
        "ignoreChanges": ["talosVersion"],
        "propertyDependencies": {"talosVersion": []},
    }


def secret(value: Any) -> dict[str, Any]:
    """A value as the object by which the engine imports a secret."""
    return {**_SECRET, "plaintext": json.dumps(value)}
