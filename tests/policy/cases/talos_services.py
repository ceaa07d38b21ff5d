"""Settings of Talos' own services that must not pass."""

import json

from tests.policy.cases.machine_patches import document
from tests.policy.support import Case, patched

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
AUDIT = {"rules": [{"level": "Metadata"}]}
POD_SECURITY = {"defaults": {"enforce": "baseline"}}
# A control plane whose whole configuration is known. The platform's patches are merged over it.
BASE = [
    json.dumps(each)
    for each in (
        {
            "version": "v1alpha1",
            "machine": {"type": "controlplane"},
            "cluster": {
                "apiServer": {
                    "admissionControl": [{"name": "PodSecurity", "configuration": POD_SECURITY}],
                    "auditPolicy": AUDIT,
                    "extraArgs": {
                        "enable-admission-plugins": "DenyServiceExternalIPs",
                        "service-account-extend-token-expiration": "false",
                    },
                }
            },
        },
        document("KubeNodeConfig", labels={CONTROL_PLANE: ""}, taints={CONTROL_PLANE: "NoSchedule"}),
    )
]


def pods(access: dict[str, object]) -> dict[str, object]:
    return {"machine": {"features": {"kubernetesTalosAPIAccess": {"enabled": True, **access}}}}


FROM_PODS = "machine.features.kubernetesTalosAPIAccess"
CASES = (
    patched(
        "talos-api-is-not-for-pods",
        pods({"allowedRoles": ["os:admin"]}),
        f"{FROM_PODS}.allowedRoles must contain only os:etcd:backup",
    ),
    patched(
        "talos-api-is-not-for-pods",
        pods({"allowedRoles": ["os:etcd:backup", "os:reader"]}),
        f"{FROM_PODS}.allowedRoles must contain only os:etcd:backup",
    ),
    patched(
        "talos-api-is-not-for-pods",
        pods({"allowedRoles": ["os:etcd:backup"], "allowedKubernetesNamespaces": ["apps"]}),
        f"{FROM_PODS}.allowedKubernetesNamespaces must contain only etcd-snapshots",
    ),
    patched(
        "talos-api-is-not-for-pods",
        pods({"enabled": "yes", "allowedRoles": ["os:admin"]}),
        f"{FROM_PODS}.enabled is not true or false, so it can't be judged",
    ),
    patched(
        "talos-api-is-not-for-pods",
        document("KubeTalosAPIAccessConfig", allowedRoles=["os:operator"], allowedKubernetesNamespaces=["default"]),
        "KubeTalosAPIAccessConfig.allowedRoles must contain only os:etcd:backup",
        "KubeTalosAPIAccessConfig.allowedKubernetesNamespaces must contain only etcd-snapshots",
    ),
    patched(
        "talos-authorizes-its-api", {"machine": {"features": {"rbac": False}}}, "machine.features.rbac must stay true"
    ),
    patched("talos-does-not-debug", {"debug": True}, "debug must stay false"),
    patched("talos-keeps-time", {"machine": {"time": {"disabled": True}}}, "machine.time.disabled must stay false"),
    patched("talos-keeps-time", document("TimeSyncConfig", enabled=False), "TimeSyncConfig.enabled must stay true"),
    patched(
        "talos-firewall-blocks-by-default",
        document("NetworkDefaultActionConfig", ingress="accept"),
        "NetworkDefaultActionConfig.ingress must be block",
    ),
    patched(
        "talos-control-plane-runs-alone",
        {"cluster": {"allowSchedulingOnControlPlanes": True}},
        "cluster.allowSchedulingOnControlPlanes lets workloads run beside etcd",
    ),
    # From contract v1.14 on, taints say it.
    *(
        Case(
            "talos-control-plane-runs-alone",
            "machine",
            {"base": BASE, "configPatches[+]": json.dumps({**document("KubeNodeConfig"), **patch})},
            f"KubeNodeConfig.taints has no {CONTROL_PLANE}: NoSchedule, which lets workloads run beside etcd",
        )
        for patch in (
            {"taints": {CONTROL_PLANE: {"$patch": "delete"}}},
            {"taints": {"$patch": "delete"}},
            {"$patch": "delete"},
            {"taints": {CONTROL_PLANE: "PreferNoSchedule"}},
            {"taints": {CONTROL_PLANE: "a:PreferNoSchedule", "example.com/other": "NoSchedule"}},
        )
    ),
)
