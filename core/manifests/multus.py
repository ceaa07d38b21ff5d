"""Multus and the networks that it connects VMs' pods to, as Kubernetes objects.

The objects are Bedplate's own. Multus' own manifest grants more than its source calls, lets each pod use the networks
of every namespace, and has a memory limit that a machine with many pods exceeds when it starts.
"""

import json
from collections.abc import Iterator
from typing import Any

from core.facts.multus import CNI_VERSION, IMAGE, MEMORY, NAMESPACE, PLUGIN
from core.model import Platform, vmnetworks

from .namespace import deny_all

NAME = "multus"
GROUP = "k8s.cni.cncf.io"
_RBAC = "rbac.authorization.k8s.io"
_LABELS = {"app.kubernetes.io/name": NAME}
_PROGRAMS = "/usr/src/multus-cni/bin"
# Source: cilium/cilium, plugins/cilium-cni: the configuration that its agent writes.
_CILIUM = "05-cilium.conflist"
_CONFIG = "daemon-config.json"


def networks(platform: Platform) -> Iterator[dict[str, Any]]:
    """The NetworkAttachmentDefinition of each network, in each namespace with a VM in it."""
    wanted = {(vm.namespace, network) for vm in platform.vms.values() for network in vm.nics}
    for namespace, network in sorted(wanted):
        config = {
            "cniVersion": CNI_VERSION,
            "name": network,
            "type": PLUGIN,
            "bridge": vmnetworks.bridge_of(platform, network),
            "mtu": platform.vm_networks[network].size,
            # The bridge drops packets of a guest with another MAC than the VM's.
            "macspoofchk": True,
            # KubeVirt connects the guest and not the pod, which has no address there.
            "disableContainerInterface": True,
            "ipam": {},
        }
        yield {
            "apiVersion": f"{GROUP}/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": network, "namespace": namespace},
            "spec": {"config": json.dumps(config, sort_keys=True)},
        }


def namespace() -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifests of the namespace and of the policy that denies all traffic into it.

    Multus runs CNI plugins as the machine's root, which only the privileged profile allows.
    """
    guard = {"enforce": "privileged", "audit": "privileged", "warn": "privileged"}
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode, level in guard.items()}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    return space, deny_all(NAMESPACE)


def multus() -> Iterator[dict[str, Any]]:
    """Definition, account, permissions, configuration and DaemonSet, each after the objects that it needs."""
    yield _definition()
    account = _metadata()
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account, "automountServiceAccountToken": False}
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": NAME, "labels": _LABELS},
        "rules": _RIGHTS,
    }
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": NAME, "labels": _LABELS},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(),
        "data": {_CONFIG: json.dumps(_daemon(), indent=2, sort_keys=True)},
    }
    yield _daemon_set()


# Source: multus-cni v4.3.0, pkg/server/server.go and pkg/k8sclient/k8sclient.go; network-attachment-definition-client,
# pkg/utils/net-attach-def.go.
_RIGHTS = [
    {"apiGroups": [GROUP], "resources": ["network-attachment-definitions"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["update"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]},
]


def _daemon() -> dict[str, Any]:
    """Settings of the daemon, by the keys of multus-cni v4.3.0, pkg/server/types.go and config/generator.go."""
    return {
        "chrootDir": "/hostroot",
        "cniVersion": CNI_VERSION,
        "cniConfigDir": "/host/etc/cni/net.d",
        "multusAutoconfigDir": "/host/etc/cni/net.d",
        "multusConfigFile": "auto",
        "multusMasterCNI": _CILIUM,
        "socketDir": "/host/run/multus/",
        "logLevel": "error",
        "logToStderr": True,
        # A pod gets networks of its own namespace alone.
        "namespaceIsolation": True,
    }


def _metadata() -> dict[str, Any]:
    return {"name": NAME, "namespace": NAMESPACE, "labels": _LABELS}


def _definition() -> dict[str, Any]:
    """The definition of networks, with the fields that Multus' own has."""
    spec = {"type": "object", "properties": {"config": {"type": "string"}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"network-attachment-definitions.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "plural": "network-attachment-definitions",
                "singular": "network-attachment-definition",
                "kind": "NetworkAttachmentDefinition",
                "listKind": "NetworkAttachmentDefinitionList",
                "shortNames": ["nad", "net-attach-def"],
            },
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


# Folder of the machine, where the daemon sees it, and how mounts beneath it appear there.
# Source: multus-cni v4.3.0, deployments/multus-daemonset-thick.yml; Talos documentation, Multus: names of network
# namespaces are in /var/run/netns.
_FOLDERS = (
    ("cni", "/etc/cni/net.d", "/host/etc/cni/net.d", None),
    ("cnibin", "/opt/cni/bin", "/opt/cni/bin", None),
    ("host-run", "/run", "/host/run", None),
    ("state", "/var/lib/cni/multus", "/var/lib/cni/multus", None),
    ("kubelet", "/var/lib/kubelet", "/var/lib/kubelet", "HostToContainer"),
    ("devices", "/run/k8s.cni.cncf.io", "/run/k8s.cni.cncf.io", None),
    ("netns", "/var/run/netns", "/run/netns", "HostToContainer"),
    ("hostroot", "/", "/hostroot", "HostToContainer"),
)


def _daemon_set() -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        {"name": name, "mountPath": path, **({"mountPropagation": way} if way else {})}
        for name, _, path, way in _FOLDERS
    ]
    config = {"name": "config", "mountPath": "/etc/cni/net.d/multus.d", "readOnly": True}
    shared = {
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    daemon = {
        **shared,
        "name": NAME,
        "command": [f"{_PROGRAMS}/multus-daemon"],
        "securityContext": {"privileged": True},
        "env": [{"name": "MULTUS_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": MEMORY}},
        "volumeMounts": [*mounts, config],
    }
    # It replaces a program that is in use, which a copy can't. The folder is root's.
    install = {
        **shared,
        "name": "install",
        "command": [f"{_PROGRAMS}/install_multus", "-d", "/host/opt/cni/bin", "-t", "thick"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "cnibin", "mountPath": "/host/opt/cni/bin"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": _metadata(),
        "spec": {
            "selector": {"matchLabels": _LABELS},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {
                    "serviceAccountName": NAME,
                    "automountServiceAccountToken": True,
                    "enableServiceLinks": False,
                    # Without it, a machine starts no pod.
                    "priorityClassName": "system-node-critical",
                    "hostNetwork": True,
                    "tolerations": [{"operator": "Exists"}],
                    "terminationGracePeriodSeconds": 10,
                    "initContainers": [install],
                    "containers": [daemon],
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "volumes": [
                        *({"name": name, "hostPath": {"path": path}} for name, path, _, _ in _FOLDERS),
                        {"name": "config", "configMap": {"name": NAME}},
                    ],
                },
            },
        },
    }
