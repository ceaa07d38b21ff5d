"""The KubeVirt operator's own manifest, and the KubeVirt object that it acts on. No Pulumi in here."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.platform import Platform

# libyaml, where the wheel has it: ten times as fast on a manifest of this size.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

NAMESPACE = "kubevirt"


def manifest_path(version: str) -> Path:
    """Where the manifest of a release is kept. It is generated from KubeVirt's Go module (toolchain/)."""
    return Path(__file__).parent / "manifests" / f"kubevirt-operator-{version}.yaml"


@cache
def operator(version: str) -> tuple[dict[str, Any], ...]:
    """Every object of a release's operator, namespace first."""
    with manifest_path(version).open(encoding="utf-8") as file:
        found = [d for d in yaml.load_all(file, _Loader) if d]
    return tuple(sorted(found, key=lambda d: d["kind"] != "Namespace"))


def kubevirt(platform: Platform) -> dict[str, Any]:
    """The KubeVirt object of a platform: what the operator installs, and how."""
    want = platform.kubevirt
    assert want is not None
    configuration: dict[str, Any] = {
        # With it virt-launcher runs under RuntimeDefault seccomp, which the restricted profile asks for.
        "seccompConfiguration": {"virtualMachineInstanceProfile": {"customProfile": {"runtimeDefaultProfile": True}}},
        "evictionStrategy": "LiveMigrate" if platform.migratable else "None",
        "vmRolloutStrategy": "LiveUpdate",
        # Post-copy needs unprivileged userfaultfd, which Talos' kernel settings forbid.
        "migrations": {"allowPostCopy": False},
    }
    if want.emulation:
        configuration["developerConfiguration"] = {"useEmulation": True}
    spec: dict[str, Any] = {
        "configuration": configuration,
        "imagePullPolicy": "IfNotPresent",
        "workloadUpdateStrategy": {"workloadUpdateMethods": ["LiveMigrate"] if platform.migratable else []},
        "infra": {"replicas": 1 if len(platform.machines) == 1 else 2},
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
