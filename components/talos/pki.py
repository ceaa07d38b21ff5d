"""The platform's PKI: its secrets, the client that they admit to the Talos API, and the documents that carry them."""

import json
from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output, Resource, ResourceOptions
from pulumiverse_talos import machine

from core.facts import tokens
from core.facts.secrets import SECRET_OUTPUTS
from core.facts.versions import GENERATED, minor, spell
from core.machineconfig.documents import credentials
from core.machineconfig.pki import pki
from core.model import Platform


class Pki:
    """The secrets of one cluster. They have no component of their own: their URN must never change."""

    client: Any
    """The client that the Talos API admits (secret). Any: the SDK types outputs differently from inputs."""
    secrets: Any
    """What every certificate and token is made from (secret)."""

    def __init__(self, name: str, platform: Platform, parent: Resource) -> None:
        self._contract = minor(platform.talos.contract)
        # Losing these loses the cluster, and lowering talos_version would replace them (its provider, PlanModify). It
        # does not follow the contract, because the secrets are the same for each contract from this one on.
        made = machine.Secrets(
            f"{name}-secrets",
            talos_version=f"v{spell(GENERATED)}",
            opts=ResourceOptions(
                parent=parent,
                protect=True,
                retain_on_delete=True,
                ignore_changes=["talosVersion"],
                additional_secret_outputs=list(SECRET_OUTPUTS[tokens.SECRETS]),
            ),
        )
        # Secret as a whole: the provider marks only some leaves.
        self.client = Output.secret(made.client_configuration)
        self.secrets = Output.secret(made.machine_secrets)

    def documents(self, role: str, registries: Mapping[str, Mapping[str, Input[str]]]) -> Output[list[str]]:
        """The PKI of a role and the registry credentials, as documents in JSON (secret).

        Credentials are among them and not among the patches, because plans show patches in the clear.
        """
        known = Output.all(material=self.secrets, registries=registries)
        return Output.secret(known.apply(lambda parts: self._texts(role, **parts)))

    def _texts(self, role: str, material: Mapping[str, Any], registries: Mapping[str, Mapping[str, str]]) -> list[str]:
        # Read by key, because a secret Output resolves to plain dicts with the SDK's spelling of the keys.
        documents = [*pki(self._contract, role, material), *credentials(registries)]
        return [json.dumps(document, sort_keys=True) for document in documents]
