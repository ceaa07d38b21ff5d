"""What the API's audit log records: who did what to whom, and no secret's body."""

from typing import Any

_WRITES = ["create", "update", "patch", "delete", "deletecollection"]


def _of(group: str, *resources: str) -> dict[str, Any]:
    return {"group": group, "resources": list(resources)} if resources else {"group": group}


# The first rule that matches decides, so the order is from what must not be told to what must.
POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # What was asked is told with what was answered.
    "omitStages": ["RequestReceived"],
    "rules": [
        # Probes, many times a second, that tell nothing of anyone.
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"], "verbs": ["get"]},
        # Their bodies are the secrets.
        {
            "level": "Metadata",
            "resources": [
                _of("", "secrets", "configmaps", "serviceaccounts/token"),
                _of("authentication.k8s.io", "tokenreviews", "tokenrequests"),
            ],
        },
        # Who enters a pod or a guest, and with which command.
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
        # Who changes what others may do, and to what.
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
