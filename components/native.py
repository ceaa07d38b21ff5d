"""The base of our own resource types in the program: what follows from a contract."""

from collections.abc import Mapping
from typing import Any

from pulumi import CustomResource, Output, ResourceOptions

from core.native import Contract


class ContractResource(CustomResource):
    """A resource that is registered by its contract: its token, its secrets, and every output by name."""

    def __init__(self, contract: Contract, name: str, values: Mapping[str, Any], opts: ResourceOptions) -> None:
        """Raises ValueError for a value that the contract does not declare.

        values: the name of each input to its value; an optional input may be None.
        """
        if undeclared := sorted(set(values) - set(contract.inputs)):
            raise ValueError(f"{', '.join(undeclared)}: not an input of {contract.token}; declare it in its contract")
        inputs = {
            key: Output.secret(value) if contract.inputs[key].secret else value
            for key, value in values.items()
            if value is not None
        }
        secret = ResourceOptions(additional_secret_outputs=list(contract.secrets))
        super().__init__(
            contract.token,
            name,
            {**inputs, **dict.fromkeys(contract.outputs)},
            ResourceOptions.merge(opts, secret) if contract.secrets else opts,
        )


def talos_client(client: Any) -> Output[dict[str, str]]:
    """The Talos API's client certificate as our own resources take it: three PEM texts in base64, secret.

    The SDK spells the keys in its own way, so the values are read key by key.
    """
    return Output.secret(
        {
            "caCertificate": client["ca_certificate"],
            "clientCertificate": client["client_certificate"],
            "clientKey": client["client_key"],
        }
    )
