"""Rules for Talos' own services in a machine configuration: its API, time, firewall and scheduling."""

from __future__ import annotations

from collections.abc import Iterator

from core.facts import snapshots
from core.facts.node_labels import CONTROL_PLANE

from .field import Field
from .rule import Resource, Rule
from .talos import APPLY

# The only access of pods to the Talos API: jobs that save etcd.
POD_ROLES = frozenset({snapshots.ROLE})
POD_NAMESPACES = frozenset({snapshots.NAMESPACE})
# The effects of a taint that keep pods off; PreferNoSchedule only makes other nodes come first.
KEEPS_OFF = frozenset({"NoSchedule", "NoExecute"})


def api_from_pods(resource: Resource) -> Iterator[str]:
    """Yields access of pods to the Talos API beyond the snapshot job's role and namespace."""
    field = resource.config.v1alpha1.at("machine", "features", "kubernetesTalosAPIAccess")
    # An absent field means off; a document means on.
    places = [
        *([field] if field["enabled"].given and field["enabled"].flag() is not False else []),
        *resource.config.of("KubeTalosAPIAccessConfig"),
    ]
    for access in (place for place in places if place.given):
        for name, allowed in (("allowedRoles", POD_ROLES), ("allowedKubernetesNamespaces", POD_NAMESPACES)):
            if set(access[name].texts()) - allowed:
                yield f"{access.path}.{name} must contain only {' and '.join(sorted(allowed))}"


def talos_rbac(resource: Resource) -> Iterator[str]:
    """Yields a Talos API without RBAC or without checks of certificates' key usage."""
    features = resource.config.v1alpha1.at("machine", "features")
    for name in ("rbac", "apidCheckExtKeyUsage"):
        if features[name].flag() is False:
            yield f"{features.path}.{name} must stay true"


def no_debug(resource: Resource) -> Iterator[str]:
    """Yields debug mode."""
    if resource.config.v1alpha1["debug"].flag():
        yield "debug must stay false"


def time_sync(resource: Resource) -> Iterator[str]:
    """Yields a disabled time synchronization."""
    if resource.config.v1alpha1.at("machine", "time", "disabled").flag():
        yield "machine.time.disabled must stay false"
    for document in resource.config.of("TimeSyncConfig"):
        if document["enabled"].flag() is False:
            yield f"{document.path}.enabled must stay true"


def firewall_blocks(resource: Resource) -> Iterator[str]:
    """Yields a firewall that does not block by default."""
    for document in resource.config.of("NetworkDefaultActionConfig"):
        if not document.given or document["ingress"].text() != "block":
            yield f"{document.path}.ingress must be block"


def separate_control_plane(resource: Resource) -> Iterator[str]:
    """Yields control planes that run workloads: by the field, or by a Node without the taint."""
    if resource.config.v1alpha1.at("cluster", "allowSchedulingOnControlPlanes").flag():
        yield "cluster.allowSchedulingOnControlPlanes lets workloads run beside etcd"
    if resource.whole.v1alpha1.at("machine", "type").text() != "controlplane":
        return
    for node in resource.whole.of("KubeNodeConfig"):
        taints = Field(None) if node.deleted else node["taints"]
        # A taint is value:effect, or the effect alone.
        effect = (taints[CONTROL_PLANE].text() or "").rpartition(":")[2]
        if effect not in KEEPS_OFF:
            yield f"{node.path}.taints has no {CONTROL_PLANE}: NoSchedule, which lets workloads run beside etcd"


RULES = (
    Rule(
        name="talos-api-is-not-for-pods",
        severity="critical",
        kinds=APPLY,
        check=api_from_pods,
        why="Any other role lets a pod read the machines' secrets or control the machines.",
        remedy="remove it from the patches: talos.snapshots.schedule configures it",
    ),
    Rule(
        name="talos-authorizes-its-api",
        severity="critical",
        kinds=APPLY,
        check=talos_rbac,
        why="Without RBAC every Talos client certificate has administrator rights.",
        remedy="remove the field from the patch",
    ),
    Rule(
        name="talos-does-not-debug",
        severity="medium",
        kinds=APPLY,
        check=no_debug,
        why="Debug mode writes service logs to the machine's console.",
        remedy="remove the field from the patch",
    ),
    Rule(
        name="talos-keeps-time",
        severity="medium",
        kinds=APPLY,
        check=time_sync,
        why="Certificates, etcd leases and audit records depend on synchronized clocks.",
        remedy="set time servers of your own instead",
    ),
    Rule(
        name="talos-firewall-blocks-by-default",
        severity="high",
        kinds=APPLY,
        check=firewall_blocks,
        why="With ingress: accept, every port without a rule is open.",
        remedy="set ingress: block and open ports with NetworkRuleConfig documents",
    ),
    Rule(
        name="talos-control-plane-runs-alone",
        severity="low",
        kinds=APPLY,
        check=separate_control_plane,
        level="opt-in",
        why="A workload that starves etcd takes the whole cluster down.",
        remedy="add workers; on a single machine, leave this rule off",
    ),
)
