"""Who may do what in the cluster: roles, bindings, accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .field import Field
from .rule import Resource, Rule

ROLES = frozenset({"rbac.authorization.k8s.io:Role", "rbac.authorization.k8s.io:ClusterRole"})
BINDINGS = frozenset({"rbac.authorization.k8s.io:RoleBinding", "rbac.authorization.k8s.io:ClusterRoleBinding"})
ACCOUNTS = frozenset({"core:ServiceAccount"})
EVERYONE = {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"}

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


def each(judge: Callable[[Field], bool], what: str) -> Callable[[Resource], Iterator[str]]:
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


def cluster_admin(resource: Resource) -> Iterator[str]:
    """Yields a binding to cluster-admin."""
    if resource.inputs.at("roleRef", "name").text() == "cluster-admin":
        yield "roleRef is cluster-admin"


def _subjects(resource: Resource) -> Iterator[tuple[str, Field]]:
    for subject in resource.inputs["subjects"].items():
        yield subject["name"].text() or "", subject


def masters(resource: Resource) -> Iterator[str]:
    """Yields subjects that are the group system:masters."""
    for name, subject in _subjects(resource):
        if name == "system:masters":
            yield f"{subject.path} is system:masters"


def everyone(resource: Resource) -> Iterator[str]:
    """Yields subjects that are every user or every workload."""
    for name, subject in _subjects(resource):
        if name in EVERYONE or name.startswith("system:serviceaccounts:"):
            yield f"{subject.path} is a group that contains every user or every workload"


def default_account(resource: Resource) -> Iterator[str]:
    """Yields subjects that are a default service account."""
    for name, subject in _subjects(resource):
        if name == "default" and subject["kind"].text() == "ServiceAccount":
            yield f"{subject.path} is a default service account"


def default_token(resource: Resource) -> Iterator[str]:
    """Yields a default service account whose token is mounted."""
    if resource.object_name == "default" and resource.inputs["automountServiceAccountToken"].flag() is not False:
        yield "automountServiceAccountToken is not false"


def _role(name, severity, check, why, remedy, *controls) -> Rule:  # type: ignore[no-untyped-def]
    return Rule(
        name=name, severity=severity, kinds=ROLES, check=check, why=why, remedy=remedy, controls=controls, partial=True
    )


def _binding(name, severity, check, why, remedy, *controls) -> Rule:  # type: ignore[no-untyped-def]
    return Rule(
        name=name,
        severity=severity,
        kinds=BINDINGS,
        check=check,
        why=why,
        remedy=remedy,
        controls=controls,
        partial=True,
    )


LEAST = "list only the verbs and resources that are used"

RULES = (
    _role(
        "role-has-no-wildcard",
        "high",
        each(star, "contains a *"),
        "A wildcard also grants resources that are added to the cluster later.",
        LEAST,
        "CIS 5.1.3",
    ),
    _role(
        "role-reads-no-secrets",
        "high",
        each(grants({""}, {"secrets"}, READ), "reads secrets"),
        "Reading Secrets gives access to every credential stored in them.",
        "mount the one Secret that the workload needs",
        "CIS 5.1.2",
    ),
    _role(
        "role-makes-no-pods",
        "medium",
        each(makes_pods, "creates or changes pods"),
        "Anyone who can create pods can use every service account and Secret of the namespace.",
        LEAST,
        "CIS 5.1.4",
    ),
    _role(
        "role-enters-no-pods",
        "high",
        each(exec_pods, "runs commands in pods"),
        "A command in a pod has all of the pod's rights and secrets.",
        LEAST,
    ),
    _role(
        "role-does-not-lift-rights",
        "critical",
        each(lifts, "grants escalate, bind or impersonate"),
        "With these verbs a subject can grant itself any right.",
        LEAST,
        "CIS 5.1.8",
    ),
    _role(
        "role-makes-no-volumes",
        "high",
        each(grants({""}, {"persistentvolumes"}, {"create"}), "creates persistent volumes"),
        "A persistent volume can be any path of any node.",
        "let a storage class provision volumes",
        "CIS 5.1.9",
    ),
    _role(
        "role-uses-no-node-proxy",
        "critical",
        each(grants({""}, {"nodes/proxy"}, READ | WRITE), "reaches nodes/proxy"),
        "Through nodes/proxy, a kubelet runs commands in its pods without admission control or audit.",
        LEAST,
        "CIS 5.1.10",
    ),
    _role(
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
    _role(
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
    _role(
        "role-makes-no-tokens",
        "high",
        each(grants({""}, {"serviceaccounts/token"}, {"create"}), "creates service account tokens"),
        "Anyone who creates tokens can act as any service account.",
        LEAST,
        "CIS 5.1.13",
    ),
    _role(
        "role-view-only-reads",
        "medium",
        aggregates,
        "Users with the role view must not be able to change anything.",
        "aggregate it to edit or admin instead",
    ),
    _binding(
        "binding-is-not-cluster-admin",
        "critical",
        cluster_admin,
        "cluster-admin grants every right on every object, including kinds that are added later.",
        "bind a role with only the rights that are needed",
        "CIS 5.1.1",
    ),
    _binding(
        "binding-is-not-for-masters",
        "critical",
        masters,
        "system:masters bypasses authorization, so its rights can't be revoked.",
        "bind a group of your own",
        "CIS 5.1.7",
    ),
    _binding(
        "binding-is-not-for-everyone",
        "critical",
        everyone,
        "Every user or every workload would have these rights.",
        "name users, groups or one service account",
    ),
    _binding(
        "binding-is-not-for-default-account",
        "medium",
        default_account,
        "Every pod without a service account of its own would have these rights.",
        "create a service account for the workload",
        "CIS 5.1.5",
    ),
    Rule(
        name="account-default-mounts-no-token",
        severity="medium",
        kinds=ACCOUNTS,
        check=default_token,
        partial=True,
        controls=("CIS 5.1.5", "CIS 5.1.6"),
        why="Every pod without a service account of its own would mount an API token.",
        remedy="set automountServiceAccountToken: false on the default service account",
    ),
)
