"""The gate between control planes."""

from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

# An install from a slow mirror, a reboot and etcd's own pace.
MEMBER_TIMEOUT_SECONDS = 900


def client_input(client: Any) -> Output[dict[str, str]]:
    """The Talos API's client as our own resources take it."""
    # By key, and named as the API has it: the SDK hands out its own spelling.
    return Output.secret(
        {
            "caCertificate": client["ca_certificate"],
            "clientCertificate": client["client_certificate"],
            "clientKey": client["client_key"],
        }
    )


class EtcdMember(CustomResource):
    """Waits until a machine has a vote in etcd, as another member tells it."""

    def __init__(self, name: str, machine: str, ask: Input[str], client: Any, opts: ResourceOptions) -> None:
        props = {
            "machine": machine,
            "node": ask,
            "clientConfiguration": client_input(client),
            "timeoutSeconds": MEMBER_TIMEOUT_SECONDS,
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration"]))
        super().__init__("bedplate-native:talos:EtcdMember", name, props, opts)
