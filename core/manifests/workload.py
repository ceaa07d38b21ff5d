"""A container application as Kubernetes objects. Plain functions: no Pulumi in here."""

from typing import Any

from core.model import WorkloadSpec

LABEL = "app.kubernetes.io/name"

# A user that no image's files belong to.
NOBODY = 65532


def deployment(name: str, want: WorkloadSpec) -> dict[str, Any]:
    """The Deployment, with all that the restricted pod security profile asks for."""
    labels = {LABEL: name}
    container: dict[str, Any] = {
        "name": name,
        "image": want.image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": want.cpu, "memory": want.memory}, "limits": {"memory": want.memory}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
    }
    # The root is read-only; nearly everything wants to write somewhere.
    container["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}]
    if want.command:
        container["command"] = list(want.command)
    if want.port:
        container["ports"] = [{"containerPort": want.port, "protocol": "TCP"}]
        container["readinessProbe"] = {"tcpSocket": {"port": want.port}, "periodSeconds": 5}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": want.namespace, "labels": labels},
        "spec": {
            "replicas": want.replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": False,
                    "containers": [container],
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": NOBODY,
                        "runAsGroup": NOBODY,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    # A drained or dead node takes one replica, not all.
                    "topologySpreadConstraints": [spread],
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": want.memory}}],
                },
            },
        },
    }


def service(name: str, want: WorkloadSpec) -> dict[str, Any]:
    """The name under which others in the cluster reach it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": want.namespace, "labels": {LABEL: name}},
        "spec": {
            "type": "ClusterIP",
            "selector": {LABEL: name},
            "ports": [{"name": "tcp", "port": want.port, "targetPort": want.port, "protocol": "TCP"}],
        },
    }
