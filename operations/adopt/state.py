"""A stack's state with a cluster's secrets in it: pure data in and out.

What is put in is what the plugin would have made, in the one place where the program looks for it. So the next plan
has nothing to do to it, and an `up` gives these secrets to the machines. All of it comes at once: a state has a
cluster's secrets or it has none, whenever somebody ends the command.
"""

import copy
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.state import unwrap_secret

# The mark of a secret in an exported state; with its plain text in it, the engine encrypts it when it takes it in.
_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
KIND, COMPONENT = "talos:machine/secrets:Secrets", "bedplate:talos:Talos"
# Names that components/talos/cluster.py and __main__.py give: a test holds the two together.
NAME, PARENT = "talos-secrets", "talos"


class Occupied(Exception):
    """The stack has other secrets."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Whose state it is, and which plugin its secrets belong to."""

    stack: str
    project: str
    contract: str
    version: str
    """Of the plugin, as its SDK asks for it."""
    source: str
    """Where the SDK says that the plugin is had from."""

    def urn(self, kind: str, name: str) -> str:
        """The name of a resource in the whole state. kind: with its parents' kinds before it."""
        return f"urn:pulumi:{self.stack}::{self.project}::{kind}::{name}"


def held(deployment: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The secrets that a state holds already, opened; None where there are none."""
    made = next((r for r in deployment.get("resources") or () if r.get("type") == KIND), None)
    return None if made is None else unwrap_secret((made.get("outputs") or {}).get("machineSecrets") or {})


def put(
    deployment: Mapping[str, Any], place: Place, material: Mapping[str, Any], client: Mapping[str, str]
) -> dict[str, Any]:
    """The state with the secrets. Raises Occupied where it has some."""
    if held(deployment) is not None:
        raise Occupied
    made: dict[str, Any] = copy.deepcopy(dict(deployment))
    resources: list[dict[str, Any]] = made.setdefault("resources", None) or []
    made["resources"] = resources
    there = {resource["urn"]: resource for resource in resources}

    def at(urn: str, **resource: Any) -> dict[str, Any]:
        if urn not in there:
            there[urn] = {"urn": urn, **resource}
            resources.append(there[urn])
        return there[urn]

    # In this order: a resource comes after all that it names.
    stack = at(
        place.urn("pulumi:pulumi:Stack", f"{place.project}-{place.stack}"), custom=False, type="pulumi:pulumi:Stack"
    )
    parent = at(place.urn(COMPONENT, PARENT), custom=False, type=COMPONENT, parent=stack["urn"])
    provider = next((r for r in resources if r["type"] == "pulumi:providers:talos"), None)
    if provider is None:
        # The engine's own name for a provider that nobody made: of its version and its source.
        name = f"default_{place.version.replace('.', '_')}_{place.source.replace('://', '_/')}"
        inputs = {"version": place.version, "__internal": {"pluginDownloadURL": place.source}}
        provider = at(
            place.urn("pulumi:providers:talos", name), custom=True, type="pulumi:providers:talos",
            id=str(uuid.uuid4()), inputs=inputs, outputs={"version": place.version},
        )  # fmt: skip
    at(
        place.urn(f"{COMPONENT}${KIND}", NAME),
        custom=True,
        type=KIND,
        id="machine_secrets",
        inputs={"talosVersion": place.contract},
        outputs={
            # The version of the plugin's own state, and with it no upgrade of that.
            "__meta": '{"schema_version":"1"}',
            "id": "machine_secrets",
            "talosVersion": place.contract,
            "clientConfiguration": secret(client),
            "machineSecrets": secret(material),
        },
        parent=parent["urn"],
        provider=f"{provider['urn']}::{provider['id']}",
        protect=True,
        retainOnDelete=True,
        additionalSecretOutputs=["clientConfiguration", "machineSecrets"],
        ignoreChanges=["talosVersion"],
        propertyDependencies={"talosVersion": []},
    )
    return made


def secret(value: Any) -> dict[str, Any]:
    """A value as the engine takes in a secret."""
    return {**_SECRET, "plaintext": json.dumps(value)}
