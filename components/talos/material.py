"""The PKI in the shape that the configuration generator takes."""

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml
from pulumiverse_talos import machine


def as_input(made: Mapping[str, Any]) -> machine.MachineSecretsArgs:
    """What Secrets made, as getConfiguration wants it.

    Handed over as it is, the SDK sends its keys in snake_case and the generator finds nothing
    (pulumi-talos#103, #200, #251). It is read by key: a secret Output hands out plain dicts.
    """
    certs, secrets = made["certs"], made["secrets"]

    def pair(of: Mapping[str, str]) -> machine.CertificateArgs:
        return machine.CertificateArgs(cert=of["cert"], key=of["key"])

    return machine.MachineSecretsArgs(
        certs=machine.CertificatesArgs(
            etcd=pair(certs["etcd"]),
            k8s=pair(certs["k8s"]),
            k8s_aggregator=pair(certs["k8s_aggregator"]),
            k8s_serviceaccount=machine.KeyArgs(key=certs["k8s_serviceaccount"]["key"]),
            os=pair(certs["os"]),
        ),
        cluster=machine.ClusterArgs(id=made["cluster"]["id"], secret=made["cluster"]["secret"]),
        secrets=machine.KubernetesSecretsArgs(
            bootstrap_token=secrets["bootstrap_token"],
            secretbox_encryption_secret=secrets["secretbox_encryption_secret"],
            # An imported cluster may still hold one; leaving it out would lock it out of its own data.
            aescbc_encryption_secret=secrets.get("aescbc_encryption_secret") or None,
        ),
        trustdinfo=machine.TrustdInfoArgs(token=made["trustdinfo"]["token"]),
    )


def authority(made: Mapping[str, Any]) -> str:
    """A mark of the authority that signs Kubernetes' certificates: no secret, and no certificate in a plan either."""
    return hashlib.sha256(made["certs"]["k8s"]["cert"].encode()).hexdigest()


def old_key(made: Mapping[str, Any]) -> str:
    """The encryption key of a cluster from before Talos v1.3; empty where there is none."""
    return made["secrets"].get("aescbc_encryption_secret") or ""


def with_old_key(config: str, key: str) -> str:
    """A control plane's config with that key.

    From contract v1.3 on the generator leaves it out, though it is given, and the API could not read the Secrets that
    it wrote with it.
    """
    if not key:
        return config
    documents = list(yaml.safe_load_all(config))
    documents[0]["cluster"]["aescbcEncryptionSecret"] = key
    return str(yaml.safe_dump_all(documents, sort_keys=False, width=1_000_000))
