"""The KubeVirt operator's own manifest, and the KubeVirt object that it acts on. No Pulumi in here."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.facts.versions import kubevirt_manifest
from core.model import Platform

# libyaml, where the wheel has it: ten times as fast on a manifest of this size.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

NAMESPACE = "kubevirt"


def manifest_path(version: str) -> Path:
    """Where the manifest of a release is kept. It is generated from KubeVirt's Go module (toolchain/)."""
    return Path(__file__).parent / "upstream" / kubevirt_manifest(version)


@cache
def operator(version: str) -> tuple[dict[str, Any], ...]:
    """Every object of a release's operator, its namespace first.

    The generator leaves the namespace to whoever installs. virt-handler is privileged by nature, so pod security
    must let it in; the policy pack names this one exception.
    """
    labels = {"kubevirt.io": "", "pod-security.kubernetes.io/enforce": "privileged"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    with manifest_path(version).open(encoding="utf-8") as file:
        return (namespace, *(document for document in yaml.load_all(file, _Loader) if document))


def kubevirt(platform: Platform) -> dict[str, Any]:
    """The KubeVirt object of a platform: what the operator installs, and how."""
    want = platform.kubevirt
    assert want is not None
    configuration: dict[str, Any] = {
        # With it virt-launcher runs under RuntimeDefault seccomp, which the restricted profile asks for.
        "seccompConfiguration": {"virtualMachineInstanceProfile": {"customProfile": {"runtimeDefaultProfile": True}}},
        "evictionStrategy": "LiveMigrate" if platform.migratable else "None",
        "vmRolloutStrategy": "LiveUpdate",
        # A bridge would let a VM be the pod's MAC on the node's network, and can't be migrated.
        "network": {"permitBridgeInterfaceOnPodNetwork": False},
        # Post-copy needs unprivileged userfaultfd, which Talos' kernel settings forbid.
        "migrations": {"allowPostCopy": False},
    }
    if want.emulation:
        configuration["developerConfiguration"] = {"useEmulation": True}
    spec: dict[str, Any] = {
        "configuration": configuration,
        "imagePullPolicy": "IfNotPresent",
        "workloadUpdateStrategy": {"workloadUpdateMethods": ["LiveMigrate"] if platform.migratable else []},
        "infra": {"replicas": 2 if platform.migratable else 1},
    }
    if want.registry:
        spec["imageRegistry"] = want.registry
        spec["imageTag"] = want.version
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "KubeVirt",
        "metadata": {
            "name": "kubevirt",
            "namespace": NAMESPACE,
            "annotations": {"pulumi.com/waitFor": "condition=Available", "pulumi.com/timeoutSeconds": "900"},
        },
        "spec": spec,
    }
