"""The documents of a machine config that hold the PKI: which secrets a machine of each role gets, and where.

A control plane gets every key, because each can issue certificates. A worker gets certificates of authorities, and
tokens to join with. Source: siderolabs/talos pkg/machinery/config/generate at v1.12.0 and v1.14.1.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.versions import DOCUMENTS_FROM, Minor

from .documents.document import Document, document

Material = Mapping[str, Any]
"""The machineSecrets that talos:machine:Secrets outputs, by key in snake_case; certificates and keys in base64."""


def pki(contract: Minor, role: str, material: Material) -> list[Document]:
    """The PKI of a machine of a role. Secret: it never goes into a plain input of a resource."""
    if contract >= DOCUMENTS_FROM:
        return [_tokens(role, material), *_documents(role, material)]
    tokens = _tokens(role, material)
    return [{**tokens, "cluster": {**tokens["cluster"], **_cluster(role, material)}}]


def _tokens(role: str, material: Material) -> Document:
    """Fields of the large document in every contract: how a machine joins, and what it trusts and signs with."""
    certs = material["certs"]
    etcd = {"etcd": {"ca": _pair(certs["etcd"])}} if role == "controlplane" else {}
    return {
        "machine": {"token": material["trustdinfo"]["token"], "ca": _authority(role, certs["os"])},
        "cluster": {"token": material["secrets"]["bootstrap_token"], **etcd},
    }


def _cluster(role: str, material: Material) -> Document:
    """Fields of cluster: up to contract v1.13."""
    certs, secrets = material["certs"], material["secrets"]
    fields: Document = {
        "id": material["cluster"]["id"],
        "secret": material["cluster"]["secret"],
        "ca": _authority(role, certs["k8s"]),
    }
    if role != "controlplane":
        return fields
    encryption = {
        "secretboxEncryptionSecret": secrets.get("secretbox_encryption_secret"),
        "aescbcEncryptionSecret": secrets.get("aescbc_encryption_secret"),
    }
    return {
        **fields,
        "aggregatorCA": _pair(certs["k8s_aggregator"]),
        "serviceAccount": {"key": certs["k8s_serviceaccount"]["key"]},
        **{name: secret for name, secret in encryption.items() if secret},
    }


def _documents(role: str, material: Material) -> Iterator[Document]:
    """The documents from contract v1.14 on, which hold PEM as text and not in base64."""
    certs, cluster = material["certs"], material["cluster"]
    yield document("DiscoveryIdentityConfig", clusterID=cluster["id"], clusterSecret=cluster["secret"])
    if role != "controlplane":
        yield document("KubeAPIServerCAConfig", acceptedCAs=[_text(certs["k8s"]["cert"])])
        return
    yield document("KubeAPIServerCAConfig", issuingCA=_texts(certs["k8s"]))
    yield document("KubeAggregatorCAConfig", issuingCA=_texts(certs["k8s_aggregator"]))
    yield document("KubeServiceAccountConfig", issuer={"privateKey": _text(certs["k8s_serviceaccount"]["key"])})
    yield document("KubeEtcdEncryptionConfig", config=encryption(material["secrets"]))


def encryption(secrets: Mapping[str, Any]) -> Document:
    """How the API server encrypts Secrets in etcd: exactly as Talos does it for the fields of older contracts.

    The names of the keys are part of what is stored, and providers are tried in their order, so another name, order or
    provider makes stored Secrets unreadable. Talos' generator of v1.14 writes an AES-CBC key as a secretbox key and
    leaves out `identity`, which reads what was stored before encryption. Ours does not.
    Source: siderolabs/talos internal/app/machined/pkg/controllers/k8s/internal/k8stemplates/apiserver.go.
    """
    given = (
        ("secretbox", "key2", secrets.get("secretbox_encryption_secret")),
        ("aescbc", "key1", secrets.get("aescbc_encryption_secret")),
    )
    providers: list[Document] = [
        {provider: {"keys": [{"name": name, "secret": secret}]}} for provider, name, secret in given if secret
    ]
    return {"resources": [{"resources": ["secrets"], "providers": [*providers, {"identity": {}}]}]}


def _authority(role: str, pair: Mapping[str, str]) -> Document:
    """An authority in base64: with its key on a control plane, without it on a worker."""
    return _pair(pair) if role == "controlplane" else {"crt": pair["cert"], "key": ""}


def _pair(pair: Mapping[str, str]) -> Document:
    return {"crt": pair["cert"], "key": pair["key"]}


def _texts(pair: Mapping[str, str]) -> Document:
    return {"cert": _text(pair["cert"]), "key": _text(pair["key"])}


def _text(encoded: str) -> str:
    """PEM in base64 as text."""
    return base64.b64decode(encoded).decode()
