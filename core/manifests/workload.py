"""A container application as Kubernetes objects."""

from typing import Any

from core.model import WorkloadSpec

from .restricted import NOBODY, container_security, pod_security, spread_over_nodes

LABEL = "app.kubernetes.io/name"


def deployment(name: str, want: WorkloadSpec) -> dict[str, Any]:
    """The Deployment's manifest, which satisfies the restricted pod security profile."""
    labels = {LABEL: name}
    container: dict[str, Any] = {
        "name": name,
        "image": want.image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": want.cpu, "memory": want.memory}, "limits": {"memory": want.memory}},
        "securityContext": container_security(),
    }
    # The root file system is read-only, and nearly every application writes temporary files.
    container["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}]
    if want.command:
        container["command"] = list(want.command)
    if want.port:
        container["ports"] = [{"containerPort": want.port, "protocol": "TCP"}]
        container["readinessProbe"] = {"tcpSocket": {"port": want.port}, "periodSeconds": 5}
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
                    "securityContext": pod_security(NOBODY),
                    "topologySpreadConstraints": spread_over_nodes(labels),
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": want.memory}}],
                },
            },
        },
    }


def service(name: str, want: WorkloadSpec) -> dict[str, Any]:
    """The manifest of the Service under whose name the rest of the cluster reaches the application."""
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
