"""The administrator's kubeconfig, signed from the PKI."""

from typing import Any

from pulumi import Output, Resource, ResourceOptions

from components.aliases import formerly_plugins
from components.native import ContractResource
from core.credentials.pki import kubernetes_authority
from core.facts import tokens
from core.model import Platform
from core.native.kubernetes import KUBECONFIG_SIGNED


class Kubeconfig(ContractResource):
    """Signs the administrator's client certificate and writes the kubeconfig; no machine is queried for one.

    A control plane could issue one too. But what stands at its address may be a stranger, and a kubeconfig can make
    its reader run commands.
    """

    kubeconfig: Output[str]
    """The kubeconfig (secret)."""

    def __init__(
        self, name: str, platform: Platform, secrets: Output[Any], parent: Resource, opts: ResourceOptions
    ) -> None:
        values = {
            "cluster": platform.name,
            "server": platform.api,
            "authority": secrets.apply(kubernetes_authority),
        }
        opts = formerly_plugins(opts, token=tokens.KUBECONFIG, parents=[parent])
        super().__init__(KUBECONFIG_SIGNED, name, values, opts)
