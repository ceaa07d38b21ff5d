"""Rules for all Kubernetes objects: namespace, provider, exposure, and that the plan shows them."""

from __future__ import annotations

from collections.abc import Iterator

from .pods import WORKLOADS
from .rule import Resource, Rule

NAMESPACES = frozenset({"core:Namespace"})
STANDARDS = ("restricted", "baseline", "privileged")
ENFORCE = "pod-security.kubernetes.io/enforce"
NAMESPACED = WORKLOADS | {
    "core:ConfigMap",
    "core:Secret",
    "core:Service",
    "core:ServiceAccount",
    "core:PersistentVolumeClaim",
    "core:ResourceQuota",
    "core:LimitRange",
    "rbac.authorization.k8s.io:Role",
    "rbac.authorization.k8s.io:RoleBinding",
    "networking.k8s.io:NetworkPolicy",
    "networking.k8s.io:Ingress",
    "policy:PodDisruptionBudget",
    "autoscaling:HorizontalPodAutoscaler",
    "cilium.io:CiliumNetworkPolicy",
    "talos.dev:ServiceAccount",
    "kubevirt.io:KubeVirt",
    "kubevirt.io:VirtualMachine",
    "kubevirt.io:VirtualMachineInstance",
    "cdi.kubevirt.io:DataVolume",
    "snapshot.kubevirt.io:VirtualMachineSnapshot",
    "k8s.cni.cncf.io:NetworkAttachmentDefinition",
}
# Types whose objects are created inside the provider, so that a plan does not show them.
RENDERERS = (
    "kubernetes:yaml:",
    "kubernetes:yaml/",
    "kubernetes:kustomize:",
    "kubernetes:kustomize/",
    "kubernetes:helm.sh/v4:",
    "kubernetes:helm.sh/v2:",
    "kubernetes:helm.sh/v3:Chart",
)


def labelled(resource: Resource) -> Iterator[str]:
    """Yields a namespace without a pod security label."""
    if resource.inputs.at("metadata", "labels", ENFORCE).text() not in STANDARDS:
        yield f"metadata.labels lack {ENFORCE} with restricted, baseline or privileged"


def held_to_a_standard(resource: Resource) -> Iterator[str]:
    """Yields a namespace with the privileged standard."""
    if resource.inputs.at("metadata", "labels", ENFORCE).text() == "privileged":
        yield f"metadata.labels say {ENFORCE}: privileged"


def not_default(resource: Resource) -> Iterator[str]:
    """Yields an object in the default namespace."""
    namespace = resource.inputs.at("metadata", "namespace").text()
    if namespace in (None, "", "default"):
        yield "metadata.namespace is " + ("default" if namespace else "not set, which means default")


def not_in_system(resource: Resource) -> Iterator[str]:
    """Yields an object in one of Kubernetes' own namespaces."""
    if resource.inputs.at("metadata", "namespace").text() in ("kube-system", "kube-public", "kube-node-lease"):
        yield "metadata.namespace is one of Kubernetes' own"


def no_external_ips(resource: Resource) -> Iterator[str]:
    """Yields a Service with external IPs."""
    if resource.inputs.at("spec", "externalIPs").items():
        yield "spec.externalIPs is set"


def policy_selects_all_directions(resource: Resource) -> Iterator[str]:
    """Yields empty rules of a network policy, which allow everything."""
    spec = resource.inputs["spec"]
    for direction in ("ingress", "egress"):
        for rule in spec[direction].items():
            if rule.value == {}:
                yield f"{rule.path} is empty, which allows everything"


def shown(resource: Resource) -> Iterator[str]:
    """Yields a resource whose Kubernetes objects the plan does not show."""
    if resource.type.startswith(RENDERERS):
        yield "the provider creates its objects, so the plan does not show them"
    elif resource.type.startswith("kubernetes:") and resource.type.endswith("List"):
        yield "it contains several objects, which rules can't check one by one"


def explicit_provider(resource: Resource) -> Iterator[str]:
    """Yields an object of the default Kubernetes provider."""
    if resource.type.startswith("kubernetes:") and (resource.options.provider or "").startswith("default"):
        yield "it uses the default provider, so it is created in whichever cluster the operator's kubeconfig selects"


def secret_marked(resource: Resource) -> Iterator[str]:
    """Yields the fields of a Secret that are not marked secret."""
    for name in resource.in_clear("data", "stringData"):
        yield f"{name} is not marked secret, so it is plain in plans and in state"


RULES = (
    Rule(
        name="namespace-names-a-standard",
        severity="high",
        kinds=NAMESPACES,
        check=labelled,
        controls=("CIS 5.2.1",),
        why="In a namespace with no pod security label, the cluster's default decides which pods run.",
        remedy="label it with the strictest standard that its pods meet",
    ),
    Rule(
        name="namespace-is-not-privileged",
        severity="high",
        kinds=NAMESPACES,
        check=held_to_a_standard,
        partial=True,
        controls=("CIS 5.2.1", "CIS 5.2.2"),
        why="In a privileged namespace, anyone who can create a pod controls the node.",
        remedy="use baseline or restricted, or list the namespace as an exception with its reason",
    ),
    Rule(
        name="object-is-not-in-default",
        severity="medium",
        kinds=frozenset(NAMESPACED),
        check=not_default,
        partial=True,
        controls=("CIS 5.6.4",),
        why="Objects in default share a service account, policies and quota with unrelated objects.",
        remedy="set metadata.namespace to a dedicated namespace",
    ),
    Rule(
        name="workload-is-not-in-kube-system",
        severity="medium",
        kinds=WORKLOADS,
        check=not_in_system,
        partial=True,
        controls=("CIS 5.6.1",),
        why="Kubernetes' own namespaces are exempt from pod security.",
        remedy="give the workload its own namespace",
    ),
    Rule(
        name="service-has-no-external-ips",
        severity="high",
        kinds=frozenset({"core:Service"}),
        check=no_external_ips,
        partial=True,
        controls=("CIS 1.2.3",),
        why="An external IP can intercept traffic to any address, including other pods' (CVE-2020-8554).",
        remedy="use a LoadBalancer service with an address pool",
    ),
    Rule(
        name="network-policy-is-not-open",
        severity="low",
        kinds=frozenset({"networking.k8s.io:NetworkPolicy"}),
        check=policy_selects_all_directions,
        level="advisory",
        partial=True,
        controls=("CIS 5.3.2",),
        why="An empty rule allows every peer and port, and no other policy can revoke that.",
        remedy="name the peers and ports",
    ),
    Rule(
        name="object-is-in-the-plan",
        severity="high",
        kinds=frozenset(),
        check=shown,
        partial=True,
        inputless=True,
        why="What the plan does not show can't be reviewed, and no rule checks it.",
        remedy="register each object by itself, from its parsed manifest",
    ),
    Rule(
        name="object-goes-to-its-cluster",
        severity="high",
        kinds=frozenset(),
        check=explicit_provider,
        partial=True,
        inputless=True,
        why="With the default provider, the operator's current kubectl context decides the cluster.",
        remedy="pass the platform's provider in ResourceOptions(provider=...)",
    ),
    Rule(
        name="secret-is-marked-secret",
        severity="critical",
        kinds=frozenset({"core:Secret"}),
        check=secret_marked,
        partial=True,
        why="Only what is marked secret is encrypted in state and hidden in plans.",
        remedy="wrap the value in pulumi.Output.secret",
    ),
)
