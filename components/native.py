"""What the components of our own resource types share."""

from typing import Any

from pulumi import Output


def talos_client(client: Any) -> Output[dict[str, str]]:
    """The Talos API's client certificate as our own resources take it: three PEM texts in base64, secret.

    The SDK names the keys in its own spelling, so the values are read key by key.
    """
    return Output.secret(
        {
            "caCertificate": client["ca_certificate"],
            "clientCertificate": client["client_certificate"],
            "clientKey": client["client_key"],
        }
    )
