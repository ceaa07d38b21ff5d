"""The disk of a VM as Kubernetes objects: what CDI fills, and what it needs for that."""

from collections.abc import Mapping
from typing import Any

from core.facts.golden import LABEL as IMAGE_LABEL
from core.facts.golden import NAMESPACE as IMAGES
from core.facts.kubevirt import volume_bytes
from core.facts.quantities import mebibytes
from core.facts.storage import DRIVER
from core.model import Platform
from core.model.claims import Claim

from .cdi import NAMESPACE
from .namespace import policy
from .objects import LABEL

_CDI_LABEL = "cdi.kubevirt.io"
# Source: kubevirt/containerized-data-importer v1.65.0, pkg/common/common.go and pkg/controller/upload-controller.go.
_UPLOAD_SERVER, _UPLOAD_PORT = "cdi-upload-server", 8443
_RECEIVED = ("claim", "snapshot", "upload", "image")
"""Sources whose data another pod sends."""


def data_volume(claim: Claim) -> dict[str, Any]:
    """The manifest of the DataVolume, which CDI fills and makes a claim of its name for.

    Its modes are written out, because CDI knows those of some drivers only.
    """
    storage: dict[str, Any] = {"resources": {"requests": {"storage": claim.spec.size}}}
    if claim.access:
        storage["accessModes"] = [claim.access]
    if claim.mode:
        storage["volumeMode"] = claim.mode
    if claim.storage_class:
        storage["storageClassName"] = claim.storage_class
    return {
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataVolume",
        "metadata": _metadata(claim, claim.name),
        "spec": {**_origin(claim), "storage": storage},
    }


def _origin(claim: Claim) -> dict[str, Any]:
    """The keys of the spec that say what a disk is filled from."""
    image = claim.spec.source.image
    if image is not None:
        return {"sourceRef": {"kind": "DataSource", "name": image, "namespace": IMAGES}}
    return {"source": source(claim)}


def source(claim: Claim) -> dict[str, Any]:
    """The manifest's source of a disk: the kind that CDI calls it by, to its keys."""
    of = claim.spec.source
    if of.http or of.s3:
        web = of.http or of.s3
        assert web is not None
        return {
            of.kind: {
                "url": web.url,
                **({"checksum": of.http.checksum} if of.http else {}),
                **({"secretRef": web.secret} if web.secret else {}),
                **({"certConfigMap": authorities_name(claim)} if web.ca else {}),
            }
        }
    if of.registry:
        # The node's own pull takes its mirrors and its trust, and no second login.
        return {"registry": {"url": f"docker://{of.registry.image}", "pullMethod": "node"}}
    copied = of.claim or of.snapshot
    if copied:
        kind = "pvc" if of.claim else "snapshot"
        return {kind: {"name": copied.name, "namespace": copied.namespace or claim.namespace}}
    return {of.kind: {}}


def described(claim: Claim) -> str:
    """What a disk is filled from, in one line, with what its data are compared with."""
    of = claim.spec.source
    copied = of.claim or of.snapshot
    if copied and copied.namespace not in (None, claim.namespace):
        return f"{of.shown} of namespace {copied.namespace}"
    return f"{of.shown} ({of.http.checksum})" if of.http else of.shown


def reached(claim: Claim) -> str:
    """How CDI reaches what a disk is filled from, in one line: by which Secret, and by which authorities."""
    web = claim.spec.source.http or claim.spec.source.s3
    login = f"Secret {web.secret}" if web and web.secret else "no login"
    return f"{login} and {'authorities of its own' if web and web.ca else 'public authorities'}"


def can_grow(platform: Platform, claim: Claim) -> bool:
    """Whether volumes of the disk's class can grow, as far as a plan knows."""
    known = platform.storage_class(claim.spec.class_)
    # Source: rancher/local-path-provisioner v0.0.30, README: no expansion.
    return known is None or known.provisioner != DRIVER


def authorities_name(claim: Claim) -> str:
    """The name of the ConfigMap with the authorities of a disk's server."""
    return f"{claim.name}-ca"


def authorities(claim: Claim) -> dict[str, Any] | None:
    """The manifest of the ConfigMap with the authorities of a disk's server; None where it has a public certificate."""
    web = claim.spec.source.http or claim.spec.source.s3
    if web is None or web.ca is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(claim, authorities_name(claim)),
        "data": {"ca.pem": web.ca},
    }


def receiving_policy(claim: Claim) -> dict[str, Any] | None:
    """The manifest of the policy by which CDI reaches the pod that fills a disk; None where that pod fetches itself."""
    if claim.spec.source.kind not in _RECEIVED:
        return None
    # A copy of a claim is sent from the namespace of that claim, an upload by CDI's proxy.
    copied = claim.spec.source.claim or claim.spec.source.snapshot
    sender = (copied.namespace or claim.namespace) if copied else IMAGES if claim.spec.source.image else NAMESPACE
    named = {"kubernetes.io/metadata.name": sender}
    return policy(
        f"{claim.name}-fill",
        claim.namespace,
        {
            "podSelector": {"matchLabels": {_CDI_LABEL: _UPLOAD_SERVER}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {"matchLabels": named}}],
                    "ports": [{"protocol": "TCP", "port": _UPLOAD_PORT}],
                }
            ],
        },
    )


def volume_size(claim: Claim) -> int:
    """Bytes of the claim that CDI makes for a new disk."""
    assert claim.spec.size is not None
    return volume_bytes(mebibytes(claim.spec.size) * 1024**2, claim.mode)


def _metadata(claim: Claim, name: str) -> Mapping[str, Any]:
    labels = {LABEL: claim.vm} if claim.image is None else {IMAGE_LABEL: claim.image}
    return {"name": name, "namespace": claim.namespace, "labels": labels}
