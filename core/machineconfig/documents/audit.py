"""The audit policy of the Kubernetes API: who did what to which object, without the content of secrets."""

from typing import Any

_WRITES = ["create", "update", "patch", "delete", "deletecollection"]


def _of(group: str, *resources: str) -> dict[str, Any]:
    return {"group": group, "resources": list(resources)} if resources else {"group": group}


# The first rule that matches decides, so rules that leave something out come before rules that record it.
POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # The later stages of a request hold what this one holds.
    "omitStages": ["RequestReceived"],
    "rules": [
        # Health probes, many per second, which say nothing about any user.
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"], "verbs": ["get"]},
        # Their bodies are secret.
        {
            "level": "Metadata",
            "resources": [
                _of("", "secrets", "configmaps", "serviceaccounts/token"),
                _of("authentication.k8s.io", "tokenreviews", "tokenrequests"),
            ],
        },
        # Who opens a session in a pod or a VM, and with which command.
        {
            "level": "Request",
            "resources": [
                _of(
                    "",
                    "pods/exec",
                    "pods/attach",
                    "pods/portforward",
                    "pods/proxy",
                    "pods/ephemeralcontainers",
                    "services/proxy",
                    "nodes/proxy",
                ),
                _of("subresources.kubevirt.io"),
            ],
        },
        # Who changes the permissions of others, and how.
        {
            "level": "RequestResponse",
            "verbs": _WRITES,
            "resources": [
                _of("rbac.authorization.k8s.io"),
                _of("certificates.k8s.io"),
                _of("admissionregistration.k8s.io"),
                _of("", "namespaces", "serviceaccounts"),
                _of("networking.k8s.io"),
                _of("cilium.io"),
            ],
        },
        {"level": "Metadata"},
    ],
}
