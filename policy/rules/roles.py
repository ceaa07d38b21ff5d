"""Rules for roles: which rights none may grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .field import Field
from .rule import Check, Resource, RuleGroup

ROLES = RuleGroup(frozenset({"rbac.authorization.k8s.io:Role", "rbac.authorization.k8s.io:ClusterRole"}), partial=True)
LEAST = "list only the verbs and resources that are used"

READ = {"get", "list", "watch"}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}
PODS = {
    "": {"pods", "replicationcontrollers"},
    "apps": {"deployments", "daemonsets", "statefulsets", "replicasets"},
    "batch": {"jobs", "cronjobs"},
}


def rules(resource: Resource) -> list[Field]:
    """The rules of a role."""
    return resource.inputs["rules"].items()


def _lists(rule: Field, key: str) -> set[str]:
    return set(rule[key].texts())


def grants(groups: set[str], resources: set[str], verbs: set[str]) -> Callable[[Field], bool]:
    """A test for role rules that give any of these verbs on any of these resources, by name or by wildcard."""

    # RBAC also knows "*/exec": that subresource of everything.
    named = resources | {"*"} | {f"*/{sub}" for _, slash, sub in (r.partition("/") for r in resources) if slash}

    def judge(rule: Field) -> bool:
        return bool(
            _lists(rule, "apiGroups") & (groups | {"*"})
            and _lists(rule, "resources") & named
            and _lists(rule, "verbs") & (verbs | {"*"})
        )

    return judge


def each(judge: Callable[[Field], bool], what: str) -> Check:
    """A check that yields each rule of a role for which the test holds."""

    def check(resource: Resource) -> Iterator[str]:
        yield from (f"{rule.path} {what}" for rule in rules(resource) if judge(rule))

    return check


def star(rule: Field) -> bool:
    """Whether a rule contains a wildcard."""
    return any(
        "*" in item for key in ("apiGroups", "resources", "verbs", "nonResourceURLs") for item in _lists(rule, key)
    )


def makes_pods(rule: Field) -> bool:
    """Whether a rule allows creating or changing pods, directly or through a workload."""
    return any(grants({group}, kinds, {"create", "update", "patch"})(rule) for group, kinds in PODS.items())


def exec_pods(rule: Field) -> bool:
    """Whether a rule allows running commands in pods."""
    return grants({""}, {"pods/exec", "pods/attach", "pods/ephemeralcontainers"}, {"create", "get", "update", "patch"})(
        rule
    )


def lifts(rule: Field) -> bool:
    """Whether a rule has a verb that lets its subjects gain rights."""
    return bool(_lists(rule, "verbs") & {"escalate", "bind", "impersonate"})


def aggregates(resource: Resource) -> Iterator[str]:
    """Yields a role that adds write verbs to the aggregated role view."""
    label = resource.inputs.at("metadata", "labels", "rbac.authorization.k8s.io/aggregate-to-view")
    if label.scalar() == "true" and any(_lists(rule, "verbs") - READ for rule in rules(resource)):
        yield "it adds verbs other than get, list and watch to the aggregated role view"


RULES = (
    ROLES.rule(
        "role-has-no-wildcard",
        "high",
        each(star, "contains a *"),
        "A wildcard also grants resources that are added to the cluster later.",
        LEAST,
        "CIS 5.1.3",
    ),
    ROLES.rule(
        "role-reads-no-secrets",
        "high",
        each(grants({""}, {"secrets"}, READ), "reads secrets"),
        "Reading Secrets gives access to every credential stored in them.",
        "mount the one Secret that the workload needs",
        "CIS 5.1.2",
    ),
    ROLES.rule(
        "role-makes-no-pods",
        "medium",
        each(makes_pods, "creates or changes pods"),
        "Anyone who can create pods can use every service account and Secret of the namespace.",
        LEAST,
        "CIS 5.1.4",
    ),
    ROLES.rule(
        "role-enters-no-pods",
        "high",
        each(exec_pods, "runs commands in pods"),
        "A command in a pod has all of the pod's rights and secrets.",
        LEAST,
    ),
    ROLES.rule(
        "role-does-not-lift-rights",
        "critical",
        each(lifts, "grants escalate, bind or impersonate"),
        "With these verbs a subject can grant itself any right.",
        LEAST,
        "CIS 5.1.8",
    ),
    ROLES.rule(
        "role-makes-no-volumes",
        "high",
        each(grants({""}, {"persistentvolumes"}, {"create"}), "creates persistent volumes"),
        "A persistent volume can be any path of any node.",
        "let a storage class provision volumes",
        "CIS 5.1.9",
    ),
    ROLES.rule(
        "role-uses-no-node-proxy",
        "critical",
        each(grants({""}, {"nodes/proxy"}, READ | WRITE), "reaches nodes/proxy"),
        "Through nodes/proxy, a kubelet runs commands in its pods without admission control or audit.",
        LEAST,
        "CIS 5.1.10",
    ),
    ROLES.rule(
        "role-approves-no-certificates",
        "critical",
        each(
            grants({"certificates.k8s.io"}, {"certificatesigningrequests/approval"}, {"update", "patch"}),
            "approves certificates",
        ),
        "Anyone who approves certificates can impersonate any user.",
        LEAST,
        "CIS 5.1.11",
    ),
    ROLES.rule(
        "role-changes-no-webhooks",
        "high",
        each(
            grants(
                {"admissionregistration.k8s.io"},
                {"validatingwebhookconfigurations", "mutatingwebhookconfigurations"},
                READ | WRITE,
            ),
            "reaches webhook configurations",
        ),
        "A webhook can read and change every object.",
        LEAST,
        "CIS 5.1.12",
    ),
    ROLES.rule(
        "role-makes-no-tokens",
        "high",
        each(grants({""}, {"serviceaccounts/token"}, {"create"}), "creates service account tokens"),
        "Anyone who creates tokens can act as any service account.",
        LEAST,
        "CIS 5.1.13",
    ),
    ROLES.rule(
        "role-view-only-reads",
        "medium",
        aggregates,
        "Users with the role view must not be able to change anything.",
        "aggregate it to edit or admin instead",
    ),
)
