"""Volumes on the machines' own disks: local-path-provisioner and its classes, as Kubernetes objects.

The objects are Bedplate's own. Arguments, the keys of the configuration and the calls to the API are those of the
provisioner's source; its own manifest grants more than it calls.
"""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from core.facts.storage import CLASS, DRIVER, HELPER_IMAGE, IMAGE, NAMESPACE, SCRATCH_CLASS, VOLUMES
from core.model import Platform

from .namespace import deny_all
from .restricted import container_security, pod_security

NAME = "local-path-provisioner"
_LABELS = {"app.kubernetes.io/name": NAME}
_RBAC = "rbac.authorization.k8s.io"
_CONFIG = "/etc/config"
_USER = 65534
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_FOR_VMS = "storageclass.kubevirt.io/is-default-virt-class"


def namespace() -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifests of the namespace and of the policy that denies all traffic into it.

    A pod that makes a folder mounts a path of its machine, which only the privileged profile allows. The policy pack
    has an exception for this namespace.
    """
    guard = {"enforce": "privileged", "audit": "privileged", "warn": "privileged"}
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode, level in guard.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}, deny_all(
        NAMESPACE
    )


def provisioner(platform: Platform) -> Iterator[dict[str, Any]]:
    """Account, permissions, configuration and Deployment, each after the objects that it needs."""
    metadata = _metadata()
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False}
    yield from _granted("Cluster", _RIGHTS)
    yield from _granted("", _PODS)
    yield _configuration(platform)
    yield _deployment()


def classes(platform: Platform) -> Iterator[dict[str, Any]]:
    """The StorageClasses: one for disks, and one for CDI's scratch space."""
    spec = platform.storage
    assert spec is not None and spec.local is not None
    meant = platform.storage_class(None)
    defaults = {_DEFAULT_CLASS: spec.local.default, _DEFAULT_FOR_VMS: meant is not None and meant.name == CLASS}
    annotations = {key: str(value).lower() for key, value in defaults.items()}
    # A disk outlives its claim, because a claim that is deleted by mistake would take the only copy with it.
    yield _class(CLASS, "Retain", annotations)
    yield _class(SCRATCH_CLASS, "Delete", dict.fromkeys(annotations, "false"))


def _class(name: str, reclaim: str, annotations: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": DRIVER,
        "reclaimPolicy": reclaim,
        # The scheduler chooses the machine, by what else the pod needs.
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": False,
    }


# Source: rancher/local-path-provisioner v0.0.30, provisioner.go and main.go; sig-storage-lib-external-provisioner
# v10.0.1, controller/controller.go.
_RIGHTS = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
]
_PODS = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
]


def _metadata(namespaced: bool = True) -> dict[str, Any]:
    return {"name": NAME, **({"namespace": NAMESPACE} if namespaced else {}), "labels": _LABELS}


def _granted(scope: str, rules: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A role with these rules and its binding: in the whole cluster, or in the provisioner's own namespace."""
    metadata = _metadata(namespaced=not scope)
    yield {"apiVersion": f"{_RBAC}/v1", "kind": f"{scope}Role", "metadata": metadata, "rules": rules}
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{scope}RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": f"{scope}Role", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }


def folder(platform: Platform) -> str:
    """The folder of each machine that holds the volumes, one folder for each."""
    assert platform.storage is not None and platform.storage.local is not None
    return f"{VOLUMES}/{platform.storage.local.volume}"


def _configuration(platform: Platform) -> dict[str, Any]:
    paths = [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [folder(platform)]}]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(),
        "data": {
            "config.json": json.dumps({"nodePathMap": paths}),
            # Any user of a pod may write to its volume. Only root of the machine gets to the folder around it.
            "setup": '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n',
            "teardown": '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n',
            "helperPod.yaml": yaml.safe_dump(_helper(), sort_keys=True),
        },
    }


def _helper() -> dict[str, Any]:
    """The pod that makes or removes one folder, as root of its container, because the folder around it is root's."""
    container = {
        "name": "helper-pod",
        "image": HELPER_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            # To remove what other users wrote into the folder.
            "capabilities": {"drop": ["ALL"], "add": ["DAC_OVERRIDE"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod", "labels": _LABELS},
        "spec": {
            "priorityClassName": "system-node-critical",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [container],
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        },
    }


def _deployment() -> dict[str, Any]:
    container = {
        "name": NAME,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": [NAME],
        "args": [
            "start",
            f"--config={_CONFIG}/config.json",
            f"--helper-pod-file={_CONFIG}/helperPod.yaml",
            f"--configmap-name={NAME}",
            f"--service-account-name={NAME}",
            f"--helper-image={HELPER_IMAGE}",
        ],
        "env": [
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            # Where it looks for a changed pod every 30 seconds.
            {"name": "CONFIG_MOUNT_PATH", "value": _CONFIG},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": container_security(),
        "volumeMounts": [{"name": "config", "mountPath": _CONFIG, "readOnly": True}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(),
        "spec": {
            "replicas": 1,
            # It elects no leader, so two at a time could make one volume twice.
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": _LABELS},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {
                    "serviceAccountName": NAME,
                    "automountServiceAccountToken": True,
                    "enableServiceLinks": False,
                    "priorityClassName": "system-cluster-critical",
                    "containers": [container],
                    "securityContext": pod_security(_USER),
                    "volumes": [{"name": "config", "configMap": {"name": NAME}}],
                },
            },
        },
    }
