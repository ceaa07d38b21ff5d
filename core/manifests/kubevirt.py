"""The KubeVirt operator's own manifest, and the KubeVirt object that it acts on."""

from pathlib import Path
from typing import Any

from core.facts import kubevirt as kubevirt_facts
from core.facts.versions import kubevirt_manifest
from core.model import Platform
from core.model.claims import claims
from core.model.placing import taints_of

from . import operators
from .placement import tolerations

NAMESPACE = "kubevirt"


def manifest_path(version: str) -> Path:
    """The file that holds a release's manifest, which toolchain/ generates from KubeVirt's Go module."""
    return operators.path(kubevirt_manifest(version))


def operator(version: str) -> tuple[dict[str, Any], ...]:
    """Every object of a release's operator, its namespace first.

    virt-handler has to be privileged, so the namespace's pod security profile allows it; the policy pack has this one
    exception.
    """
    namespace = operators.namespace(NAMESPACE, "kubevirt.io", "privileged")
    return (namespace, *operators.objects(kubevirt_manifest(version)))


def kubevirt(platform: Platform) -> dict[str, Any]:
    """The KubeVirt object: what the operator installs, and how."""
    want = platform.kubevirt
    assert want is not None
    configuration: dict[str, Any] = {
        # With it virt-launcher runs under the RuntimeDefault seccomp profile, which the restricted profile requires.
        "seccompConfiguration": {"virtualMachineInstanceProfile": {"customProfile": {"runtimeDefaultProfile": True}}},
        "evictionStrategy": "LiveMigrate" if platform.migratable else "None",
        "vmRolloutStrategy": "LiveUpdate",
        # A bridge would expose a VM's own MAC on the node's network, and such a VM can't be migrated.
        "network": {"permitBridgeInterfaceOnPodNetwork": False},
        # Post-copy needs unprivileged userfaultfd, which Talos' kernel settings forbid.
        "migrations": {"allowPostCopy": False},
    }
    # No gate for VMs of several architectures: KubeVirt 1.8 reads MultiArchitecture nowhere.
    # Source: kubevirt/kubevirt v1.8.4, pkg/virt-config/featuregate/inactive.go.
    if want.emulation:
        configuration["developerConfiguration"] = {"useEmulation": True}
    spec: dict[str, Any] = {
        "configuration": configuration,
        "imagePullPolicy": "IfNotPresent",
        # An empty list would be a change in each plan, because the operator writes the object without it.
        **({"workloadUpdateStrategy": {"workloadUpdateMethods": ["LiveMigrate"]}} if platform.migratable else {}),
        "infra": {"replicas": 2 if platform.migratable else 1},
    }
    if any(vm.disk for vm in platform.vms.values()):
        _for_disks(platform, spec)
    taints = {taint for class_ in platform.vm_classes for taint in taints_of(platform, class_).items()}
    if taints:
        # What runs VMs on a machine tolerates what its VMs do.
        spec["workloads"] = {"nodePlacement": {"tolerations": tolerations(sorted(taints))}}
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


def _for_disks(platform: Platform, spec: dict[str, Any]) -> None:
    """Add what VMs with disks of their own need. A platform without them keeps the object that it always had."""
    assert platform.kubevirt is not None
    configuration = spec["configuration"]
    # Without it, removing KubeVirt would remove every VM.
    spec["uninstallStrategy"] = "BlockUninstallIfWorkloadsExist"
    # Without it, a guest does not see that its disk has grown.
    gates = {"ExpandDisks"}
    made = [claim for name in platform.vms for claim in claims(platform, name)]
    if any((known := platform.storage_classes.get(each.storage_class or "")) and known.snapshots for each in made):
        gates.add("Snapshot")
    if listed := kubevirt_facts.listed(frozenset(gates), platform.kubevirt.version):
        developer = configuration.setdefault("developerConfiguration", {})
        developer["featureGates"] = listed
    state = platform.storage_class(None)
    if state and any(vm.firmware.has_state for vm in platform.vms.values()):
        configuration["vmStateStorageClass"] = state.name
