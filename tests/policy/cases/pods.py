"""Pods that ask too much."""

from tests.policy.support import DROP, Case

SPEC = "spec.template.spec"
BOX = f"{SPEC}.containers[0]"
CONTEXT = f"{BOX}.securityContext"
UNKNOWN = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"


def deployed(rule: str, change: dict[str, object], says: str, also: tuple[str, ...] = ()) -> Case:
    return Case(rule, "deployment", change, says, also)


CASES = (
    deployed("pod-is-not-privileged", {f"{CONTEXT}.privileged": True}, f"{CONTEXT}.privileged is true"),
    Case(
        "pod-is-not-privileged",
        "pod",
        {
            "spec.initContainers": [
                {
                    "image": "a:1",
                    "securityContext": {
                        "privileged": True,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ]
        },
        "spec.initContainers[0].securityContext.privileged is true",
        ("pod-image-has-digest",),
    ),
    Case(
        "pod-is-not-privileged",
        "cronjob",
        {"spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged": True},
        "spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged is true",
    ),
    deployed(
        "pod-is-not-privileged",
        {f"{CONTEXT}.privileged": UNKNOWN},
        f"{CONTEXT}.privileged is not known in the plan, so it can't be judged",
    ),
    deployed(
        "pod-is-not-privileged",
        {f"{CONTEXT}.privileged": "yes"},
        f"{CONTEXT}.privileged is not true or false, so it can't be judged",
    ),
    Case(
        "pod-is-not-privileged",
        "deployment",
        {"type": "kubernetes:apps/v1:DeploymentPatch", f"{CONTEXT}.privileged": True},
        f"{CONTEXT}.privileged is true",
    ),
    deployed("pod-has-own-processes", {f"{SPEC}.hostPID": True}, f"{SPEC}.hostPID is true"),
    deployed("pod-has-own-ipc", {f"{SPEC}.hostIPC": True}, f"{SPEC}.hostIPC is true"),
    deployed("pod-has-own-network", {f"{SPEC}.hostNetwork": True}, f"{SPEC}.hostNetwork is true"),
    deployed(
        "pod-does-not-escalate",
        {f"{CONTEXT}.allowPrivilegeEscalation": DROP},
        f"{CONTEXT}.allowPrivilegeEscalation is not false",
    ),
    deployed(
        "pod-runs-as-non-root",
        {f"{SPEC}.securityContext.runAsNonRoot": DROP},
        f"{CONTEXT}.runAsNonRoot is not true, nor is the pod's",
    ),
    deployed(
        "pod-runs-as-non-root",
        {f"{CONTEXT}.runAsNonRoot": False},
        f"{CONTEXT}.runAsNonRoot is not true, nor is the pod's",
    ),
    deployed("pod-user-is-not-root", {f"{CONTEXT}.runAsUser": 0.0}, f"{CONTEXT}.runAsUser is 0"),
    deployed(
        "pod-drops-capabilities",
        {f"{CONTEXT}.capabilities": {"drop": ["NET_RAW"]}},
        f"{CONTEXT}.capabilities.drop does not contain ALL",
    ),
    deployed(
        "pod-adds-few-capabilities",
        {f"{CONTEXT}.capabilities.add": ["CAP_SYS_ADMIN"]},
        f"{CONTEXT}.capabilities.add contains one that the baseline standard forbids",
    ),
    deployed(
        "pod-has-no-net-raw",
        {f"{CONTEXT}.capabilities.add": ["NET_RAW"]},
        f"{CONTEXT}.capabilities.add contains NET_RAW",
        ("pod-adds-few-capabilities",),
    ),
    deployed(
        "pod-is-confined-by-seccomp",
        {f"{SPEC}.securityContext.seccompProfile": DROP},
        f"{CONTEXT}.seccompProfile.type is not RuntimeDefault or Localhost, nor is the pod's",
    ),
    deployed(
        "pod-is-confined-by-seccomp",
        {f"{CONTEXT}.seccompProfile": {"type": "Unconfined"}},
        f"{CONTEXT}.seccompProfile.type is not RuntimeDefault or Localhost, nor is the pod's",
    ),
    deployed(
        "pod-keeps-apparmor",
        {f"{CONTEXT}.appArmorProfile": {"type": "Unconfined"}},
        f"{CONTEXT}.appArmorProfile.type is Unconfined",
    ),
    deployed(
        "pod-mounts-no-node-path",
        {f"{SPEC}.volumes[+]": {"name": "x", "hostPath": {"path": "/"}}},
        f"{SPEC}.volumes[1].hostPath mounts a path of the node",
    ),
    deployed(
        "pod-takes-no-node-port", {f"{BOX}.ports[0].hostPort": 80}, f"{BOX}.ports[0].hostPort uses a port of the node"
    ),
    deployed(
        "pod-is-no-host-process",
        {f"{CONTEXT}.windowsOptions": {"hostProcess": True}},
        f"{CONTEXT}.windowsOptions.hostProcess is true",
    ),
    deployed("pod-keeps-proc-masked", {f"{CONTEXT}.procMount": "Unmasked"}, f"{CONTEXT}.procMount is not Default"),
    deployed(
        "pod-sets-safe-sysctls",
        {f"{SPEC}.securityContext.sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
        f"{SPEC}.securityContext.sysctls[0] is not one of the safe sysctls",
    ),
    deployed(
        "pod-reads-secrets-from-files",
        {f"{BOX}.env[+]": {"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
        f"{BOX}.env[1] reads a secret into the environment",
    ),
    deployed(
        "pod-reads-secrets-from-files",
        {f"{BOX}.envFrom": [{"secretRef": {"name": "s"}}]},
        f"{BOX}.envFrom[0] reads a secret into the environment",
    ),
    deployed(
        "pod-chooses-its-account",
        {f"{SPEC}.automountServiceAccountToken": DROP},
        f"{SPEC} mounts the token of the default service account",
    ),
    deployed(
        "pod-image-is-pinned",
        {f"{BOX}.image": "registry.example.com:5000/app"},
        f"{BOX}.image has no tag, or the moving tag latest",
        ("pod-image-has-digest",),
    ),
    deployed(
        "pod-image-is-pinned",
        {f"{BOX}.image": "app:latest"},
        f"{BOX}.image has no tag, or the moving tag latest",
        ("pod-image-has-digest",),
    ),
    deployed("pod-image-has-digest", {f"{BOX}.image": "app:1.2.3"}, f"{BOX}.image is not named by its digest"),
    deployed("pod-memory-is-limited", {f"{BOX}.resources": {}}, f"{BOX}.resources.limits.memory is not set"),
)
