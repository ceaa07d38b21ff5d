"""What rules are tried on: objects that comply, changes that break them, and the program's own resources."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from policy.rules import RULES
from policy.rules.rule import Inputs, Options, Resource, Rule
from policy.rules.serve import decode
from tests.conftest import run_program, stack_platform

RULE = {rule.name: rule for rule in RULES}
DROP = object()


@dataclass(frozen=True)
class Case:
    """One change to a resource that complies, and the one rule that must object to it."""

    rule: str
    subject: str  # a resource of GOOD
    change: Mapping[str, Any]  # dotted path -> value; DROP removes; "options.x" and "type" change the registration
    says: str  # the complaint without its object and remedy
    also: tuple[str, ...] = ()  # rules that can't but object as well
    more: tuple[str, ...] = ()  # further complaints of the same rule

    def __str__(self) -> str:
        return f"{self.rule}: {self.says}"


def patched(rule: str, document: Mapping[str, Any], says: str, *more: str, also: tuple[str, ...] = ()) -> Case:
    """A case of a machine that gets one more patch."""
    return Case(rule, "machine", {"configPatches[+]": json.dumps(document)}, says, also, more)


class Shown(dict[str, Any]):
    """A change as the engine would send it: with the word on which inputs are secret."""

    def __init__(self, *secrets: str, **values: Any) -> None:
        super().__init__(values)
        self.secrets = frozenset(secrets)


def changed(resource: Resource, change: Mapping[str, Any]) -> Resource:
    props: Any = copy.deepcopy(dict(resource.props))
    made = replace(resource, props=props)
    for path, value in change.items():
        if path == "type":
            made = replace(made, type=value)
        elif path.startswith("options."):
            made = replace(made, options=replace(made.options, **{path.removeprefix("options."): value}))
        else:
            _set(props, path, value)
    if isinstance(change, Shown):
        return replace(made, props=Inputs(lambda: (props, change.secrets)))
    return made


def _set(at: Any, path: str, value: Any) -> None:
    *parents, leaf = _steps(path)
    for step in parents:
        at = at[step] if isinstance(at, list) else at.setdefault(step, {})
    if leaf == "+":
        at.append(value)
    elif value is DROP:
        del at[leaf]
    else:
        at[leaf] = value


def _steps(path: str) -> list[Any]:
    """a.b[0] -> a, b, 0; a.b[+] -> a, b, +."""
    steps: list[Any] = []
    for part in path.split("."):
        name, *places = part.replace("]", "").split("[")
        steps.append(name)
        steps += [place if place == "+" else int(place) for place in places]
    return steps


def complaints(resource: Resource, rules: tuple[Rule, ...] = RULES) -> dict[str, list[str]]:
    """What each rule says, without the object and the remedy that every message has."""
    found: dict[str, list[str]] = {}
    for rule in rules:
        for message in rule.complaints(resource):
            assert message.startswith(f"{resource}: ") and message.endswith(f". Fix: {rule.remedy}"), message
            found.setdefault(rule.name, []).append(
                message.removeprefix(f"{resource}: ").removesuffix(f". Fix: {rule.remedy}")
            )
    return found


@functools.cache
def planned(stack: str) -> tuple[Resource, ...]:
    """Every resource that the program registers for a stack, as the pack would see it."""
    requests = run_program(stack_platform(stack)).graph.requests.values()
    return tuple(_seen(request) for request in requests)


def _seen(request: Any) -> Resource:
    message = type(request.object)()
    message.CopyFrom(request.object)
    options = Options(
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
        provider=request.provider.rsplit("::", 2)[-2] if request.provider else None,
    )
    return Resource(type=request.type, name=request.name, props=Inputs(lambda: decode(message)), options=options)


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


GOOD: Mapping[str, Resource] = {
    "machine": Resource(
        type="talos:machine/configurationApply:ConfigurationApply",
        name="talos-cp-1",
        props={"applyMode": "auto", "configPatches": [json.dumps(patch) for patch in MACHINE_PATCHES]},
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
        props={"name": "dev-cp-1", "args": ["talos.platform=metal", "slab_nomerge", "pti=on", "init_on_alloc=1"]},
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
        chart="cilium",
        version="1.19.6",
        repositoryOpts={"repo": "https://helm.cilium.io"},
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
    "cdi": _object("cdi.kubevirt.io/v1beta1:CDI", metadata={"name": "cdi"}, spec={"config": {}}),
    "disk": _object(
        "cdi.kubevirt.io/v1beta1:DataVolume",
        metadata=META,
        spec={"source": {"http": {"url": "https://images.example.com/a.qcow2", "checksum": DIGEST}}},
    ),
    "vm": _object(
        "kubevirt.io/v1:VirtualMachine",
        name="web",
        metadata={"name": "web", "namespace": "vms"},
        spec={"runStrategy": "Always", "template": {"spec": GUEST}},
    ),
    "config": _object("core/v1:ConfigMap", metadata=META, data={"mode": "fast"}),
    "provider": Resource(type="pulumi:providers:kubernetes", name="kubernetes-provider", props={"namespace": "team"}),
    "gate": Resource(type="bedplate-native:kubernetes:ApiReady", name="kubernetes-api", props={"timeoutSeconds": 900}),
}
