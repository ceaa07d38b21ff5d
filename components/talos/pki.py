"""The platform's PKI: its secrets, the client that they admit to the Talos API, and the configs that carry them."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, InvokeOutputOptions, Output, Resource, ResourceOptions
from pulumiverse_talos import machine

from core.credentials.pki import aescbc_key
from core.facts import tokens
from core.facts.secrets import SECRET_OUTPUTS
from core.machineconfig.generated import completed
from core.model import Platform


class Pki:
    """The secrets of one cluster. They have no component of their own: their URN must never change."""

    client: Any
    """The client that the Talos API admits (secret). Any: the SDK types outputs differently from inputs."""
    secrets: Any
    """What every certificate and token is made from (secret)."""

    def __init__(self, name: str, platform: Platform, parent: Resource) -> None:
        self._platform, self._parent = platform, parent
        # Losing these loses the cluster, and lowering talos_version would replace them (its provider, PlanModify).
        made = machine.Secrets(
            f"{name}-secrets",
            talos_version=platform.talos.contract,
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

    def config(self, role: str, registries: Mapping[str, Mapping[str, Input[str]]]) -> Output[str]:
        """The generated config of a role, with everything that is secret and nothing of one machine."""
        material: Any = self.secrets.apply(generator_input)
        generated = machine.get_configuration_output(
            cluster_name=self._platform.name,
            cluster_endpoint=self._platform.api,
            machine_type=role,
            machine_secrets=material,
            talos_version=self._platform.talos.contract,
            kubernetes_version=self._platform.talos.kubernetes,
            docs=False,
            examples=False,
            opts=InvokeOutputOptions(parent=self._parent),
        )
        # The key and the credentials are added here and not by a patch, because plans show patches in the clear.
        key = self.secrets.apply(aescbc_key) if role == "controlplane" else ""
        parts = Output.all(config=generated.machine_configuration, aescbc_key=key, registries=registries)
        return Output.secret(parts.apply(lambda known: completed(**known)))


def generator_input(made: Mapping[str, Any]) -> machine.MachineSecretsArgs:
    """The outputs of Secrets as the inputs that getConfiguration takes.

    If they were passed on unchanged, the SDK would send their keys in snake_case, which the generator ignores
    (pulumi-talos#103, #200, #251). They are read by key, because a secret Output resolves to plain dicts.
    """
    certs, secrets = made["certs"], made["secrets"]
    return machine.MachineSecretsArgs(
        certs=machine.CertificatesArgs(
            etcd=_pair(certs["etcd"]),
            k8s=_pair(certs["k8s"]),
            k8s_aggregator=_pair(certs["k8s_aggregator"]),
            k8s_serviceaccount=machine.KeyArgs(key=certs["k8s_serviceaccount"]["key"]),
            os=_pair(certs["os"]),
        ),
        cluster=machine.ClusterArgs(id=made["cluster"]["id"], secret=made["cluster"]["secret"]),
        secrets=machine.KubernetesSecretsArgs(
            bootstrap_token=secrets["bootstrap_token"],
            secretbox_encryption_secret=secrets["secretbox_encryption_secret"],
            # An imported cluster may have this older key, without which the API server can't decrypt existing Secrets.
            aescbc_encryption_secret=secrets.get("aescbc_encryption_secret") or None,
        ),
        trustdinfo=machine.TrustdInfoArgs(token=made["trustdinfo"]["token"]),
    )


def _pair(of: Mapping[str, str]) -> machine.CertificateArgs:
    return machine.CertificateArgs(cert=of["cert"], key=of["key"])
