"""Resources that comply with every rule; cases change them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policy.rules.rule import Options, Resource

DIGEST = "sha256:" + "a" * 64
IMAGE = f"registry.example.com/team/app:1.2.3@{DIGEST}"
META = {"name": "app", "namespace": "team"}
BY_US = Options(provider="kubernetes-provider")

POD = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "app",
            "image": IMAGE,
            "ports": [{"containerPort": 8080}],
            "env": [{"name": "MODE", "value": "fast"}],
            "resources": {"limits": {"memory": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
    "volumes": [{"name": "work", "emptyDir": {}}],
}
GUEST = {
    "evictionStrategy": "LiveMigrate",
    "domain": {
        "memory": {"guest": "2Gi"},
        "devices": {"disks": [], "interfaces": [{"name": "default", "masquerade": {}}]},
    },
    "networks": [{"name": "default", "pod": {}}],
    "volumes": [
        {"name": "root", "containerDisk": {"image": IMAGE}},
        {"name": "seed", "cloudInitNoCloud": {"secretRef": {"name": "web-cloud-init"}}},
    ],
}
MACHINE_PATCHES = (
    {
        "machine": {
            "install": {
                "image": f"factory.talos.dev/metal-installer/{'1' * 64}:v1.14.2",
                "diskSelector": {"serial": "S4EWNX0R"},
                "extraKernelArgs": ["console=ttyS0"],
            },
            "features": {"rbac": True, "kubePrism": {"enabled": True, "port": 7445}},
            "kubelet": {
                "defaultRuntimeSeccompProfileEnabled": True,
                "extraConfig": {"podPidsLimit": 4096, "serverTLSBootstrap": True},
            },
            "sysctls": {"vm.nr_hugepages": "1024"},
        },
        "cluster": {
            "network": {"cni": {"name": "none"}},
            "proxy": {"disabled": True},
            "apiServer": {
                "extraArgs": {
                    "profiling": "false",
                    "kubelet-certificate-authority": "/system/secrets/kubernetes/kube-apiserver/ca.crt",
                }
            },
        },
    },
    {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "hostname": "cp-1", "auto": "off"},
    {
        "apiVersion": "v1alpha1",
        "kind": "VolumeConfig",
        "name": "STATE",
        "encryption": {"provider": "luks2", "keys": [{"slot": 0, "tpm": {}}]},
    },
    {
        "apiVersion": "v1alpha1",
        "kind": "RegistryMirrorConfig",
        "name": "docker.io",
        "endpoints": [{"url": "https://mirror.example.com"}],
    },
)


def _object(kind: str, name: str = "app", **props: Any) -> Resource:
    """A Kubernetes object given by token, without its group's version for short: apps/v1:Deployment."""
    return Resource(type=f"kubernetes:{kind}", name=name, props=props, options=BY_US)


def _protected(resource: Resource) -> Resource:
    return replace(resource, options=replace(resource.options, protect=True))


GOOD: Mapping[str, Resource] = {
    "machine": Resource(
        type="bedplate-native:talos:MachineConfig",
        name="talos-cp-1",
        props={"configPatches": [json.dumps(patch) for patch in MACHINE_PATCHES]},
    ),
    "pki": Resource(
        type="talos:machine/secrets:Secrets",
        name="talos-secrets",
        props={"talosVersion": "v1.12"},
        options=Options(protect=True, ignore_changes=("talosVersion",)),
    ),
    "profile": Resource(
        type="matchbox:index/profile:Profile",
        name="metal-cp-1",
        props={
            "name": "dev-cp-1",
            "kernel": "https://factory.example.com/image/1/v1.14.2/kernel-amd64",
            "initrds": ["http://192.168.10.2:8080/assets/initramfs-amd64.xz"],
            "args": ["talos.platform=metal", "slab_nomerge", "pti=on", 'dyndbg="file a.c +p"'],
        },
    ),
    "release": Resource(
        type="bedplate-native:talos:Release",
        name="talos-cp-1",
        props={
            "machine": "cp-1",
            "image": f"factory.example.com/metal-installer/{'1' * 64}:v1.14.2",
            "kernelArguments": ["talos.platform=metal", "slab_nomerge", "pti=on", "console=tty0"],
        },
    ),
    "group": Resource(
        type="matchbox:index/group:Group",
        name="metal-cp-1",
        props={
            "name": "dev-cp-1",
            "profile": "dev-cp-1",
            "selector": {"mac": "52:54:00:aa:00:01"},
            "metadata": {"machine": "cp-1", "platform": "dev"},
        },
    ),
    "namespace": _object(
        "core/v1:Namespace", metadata={"name": "team", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}
    ),
    "pod": _object("core/v1:Pod", metadata=META, spec=POD),
    "deployment": _object("apps/v1:Deployment", metadata=META, spec={"template": {"spec": POD}}),
    "cronjob": _object("batch/v1:CronJob", metadata=META, spec={"jobTemplate": {"spec": {"template": {"spec": POD}}}}),
    "service": _object("core/v1:Service", metadata=META, spec={"ports": [{"port": 80}]}),
    "secret": _object("core/v1:Secret", metadata=META),
    "policy": _object(
        "networking.k8s.io/v1:NetworkPolicy",
        metadata=META,
        spec={"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]},
    ),
    "account": _object(
        "core/v1:ServiceAccount", metadata={"name": "default", "namespace": "team"}, automountServiceAccountToken=False
    ),
    "role": _object(
        "rbac.authorization.k8s.io/v1:ClusterRole",
        metadata={"name": "reader", "labels": {}},
        rules=[{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
    ),
    "binding": _object(
        "rbac.authorization.k8s.io/v1:ClusterRoleBinding",
        metadata={"name": "reader"},
        roleRef={"kind": "ClusterRole", "name": "reader"},
        subjects=[{"kind": "ServiceAccount", "name": "app", "namespace": "team"}],
    ),
    "cilium": _object(
        "helm.sh/v3:Release",
        name="cilium-release",
        chart=f"./.toolchain/charts/cilium-1.19.6-{'b' * 64}.tgz",
        version="1.19.6",
        # As the Kubernetes plugin completes it in an `up`.
        postrender="",
        dependencyUpdate=False,
        values={
            "ipam": {"mode": "kubernetes"},
            "kubeProxyReplacement": True,
            "k8sServiceHost": "localhost",
            "k8sServicePort": 7445.0,
            "cgroup": {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"},
            "securityContext": {
                "capabilities": {"ciliumAgent": ["NET_ADMIN"], "cleanCiliumState": ["NET_ADMIN"]},
            },
            "socketLB": {"hostNamespaceOnly": True},
            "encryption": {"enabled": True, "type": "wireguard", "nodeEncryption": True},
            "hubble": {"enabled": True, "tls": {"auto": {"method": "cronJob"}}},
        },
    ),
    "kubevirt": _object(
        "kubevirt.io/v1:KubeVirt",
        metadata={"name": "kubevirt", "namespace": "kubevirt"},
        spec={
            "configuration": {
                "developerConfiguration": {"featureGates": ["Snapshot"]},
                "migrations": {"allowPostCopy": False},
                "network": {"permitBridgeInterfaceOnPodNetwork": False},
                "seccompConfiguration": {
                    "virtualMachineInstanceProfile": {"customProfile": {"runtimeDefaultProfile": True}}
                },
            }
        },
    ),
    "cdi": _object(
        "cdi.kubevirt.io/v1beta1:CDI",
        metadata={"name": "cdi"},
        spec={"uninstallStrategy": "BlockUninstallIfWorkloadsExist", "config": {}},
    ),
    "disk": _protected(
        _object(
            "cdi.kubevirt.io/v1beta1:DataVolume",
            metadata=META,
            spec={"source": {"http": {"url": "https://images.example.com/a.qcow2", "checksum": DIGEST}}},
        )
    ),
    "vm": _object(
        "kubevirt.io/v1:VirtualMachine",
        name="web",
        metadata={"name": "web", "namespace": "vms"},
        spec={"runStrategy": "Always", "template": {"spec": GUEST}},
    ),
    "config": _object("core/v1:ConfigMap", metadata=META, data={"mode": "fast"}),
    "provider": Resource(type="pulumi:providers:kubernetes", name="kubernetes-provider", props={"namespace": "team"}),
    "snapshot": Resource(
        type="bedplate-native:talos:Snapshot", name="talos-snapshot", props={"folder": ".toolchain/snapshots"}
    ),
    "gate": Resource(type="bedplate-native:kubernetes:ApiReady", name="kubernetes-api", props={"timeoutSeconds": 900}),
}
