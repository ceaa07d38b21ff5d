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
    return resource.inputs["rules"].items()


def _lists(rule: Field, key: str) -> set[str]:
    return set(rule[key].texts())


def grants(groups: set[str], resources: set[str], verbs: set[str]) -> Callable[[Field], bool]:
    """Whether a rule gives any of these verbs on any of these resources, by name or by star."""

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
    def check(resource: Resource) -> Iterator[str]:
        yield from (f"{rule.path} {what}" for rule in rules(resource) if judge(rule))

    return check


def star(rule: Field) -> bool:
    return any(
        "*" in item for key in ("apiGroups", "resources", "verbs", "nonResourceURLs") for item in _lists(rule, key)
    )


def makes_pods(rule: Field) -> bool:
    return any(grants({group}, kinds, {"create", "update", "patch"})(rule) for group, kinds in PODS.items())


def exec_pods(rule: Field) -> bool:
    return grants({""}, {"pods/exec", "pods/attach", "pods/ephemeralcontainers"}, {"create", "get", "update", "patch"})(
        rule
    )


def lifts(rule: Field) -> bool:
    return bool(_lists(rule, "verbs") & {"escalate", "bind", "impersonate"})


def aggregates(resource: Resource) -> Iterator[str]:
    label = resource.inputs.at("metadata", "labels", "rbac.authorization.k8s.io/aggregate-to-view")
    if label.scalar() == "true" and any(_lists(rule, "verbs") - READ for rule in rules(resource)):
        yield "it adds more than reading to the role view"


def cluster_admin(resource: Resource) -> Iterator[str]:
    if resource.inputs.at("roleRef", "name").text() == "cluster-admin":
        yield "roleRef is cluster-admin"


def _subjects(resource: Resource) -> Iterator[tuple[str, Field]]:
    for subject in resource.inputs["subjects"].items():
        yield subject["name"].text() or "", subject


def masters(resource: Resource) -> Iterator[str]:
    for name, subject in _subjects(resource):
        if name == "system:masters":
            yield f"{subject.path} is system:masters"


def everyone(resource: Resource) -> Iterator[str]:
    for name, subject in _subjects(resource):
        if name in EVERYONE or name.startswith("system:serviceaccounts:"):
            yield f"{subject.path} is a group that everyone or every workload is in"


def default_account(resource: Resource) -> Iterator[str]:
    for name, subject in _subjects(resource):
        if name == "default" and subject["kind"].text() == "ServiceAccount":
            yield f"{subject.path} is a default service account"


def default_token(resource: Resource) -> Iterator[str]:
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


LEAST = "name the verbs and resources that are used"

RULES = (
    _role(
        "role-has-no-wildcard",
        "high",
        each(star, "holds a *"),
        "A star also grants what is added to the cluster tomorrow.",
        LEAST,
        "CIS 5.1.3",
    ),
    _role(
        "role-reads-no-secrets",
        "high",
        each(grants({""}, {"secrets"}, READ), "reads secrets"),
        "Who reads secrets has every right that is kept in one.",
        "mount the one secret that is needed",
        "CIS 5.1.2",
    ),
    _role(
        "role-makes-no-pods",
        "medium",
        each(makes_pods, "makes or changes pods"),
        "Who makes pods can take any service account and any mount of the namespace.",
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
        each(lifts, "holds escalate, bind or impersonate"),
        "These verbs give their holder any right.",
        LEAST,
        "CIS 5.1.8",
    ),
    _role(
        "role-makes-no-volumes",
        "high",
        each(grants({""}, {"persistentvolumes"}, {"create"}), "creates persistent volumes"),
        "A persistent volume can be any path of any node.",
        "let a storage class make volumes",
        "CIS 5.1.9",
    ),
    _role(
        "role-uses-no-node-proxy",
        "critical",
        each(grants({""}, {"nodes/proxy"}, READ | WRITE), "reaches nodes/proxy"),
        "The kubelet behind it runs commands in every pod, past admission and audit.",
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
        "Who approves certificates can become anyone.",
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
        "A webhook sees and changes every object.",
        LEAST,
        "CIS 5.1.12",
    ),
    _role(
        "role-makes-no-tokens",
        "high",
        each(grants({""}, {"serviceaccounts/token"}, {"create"}), "creates service account tokens"),
        "Who makes tokens can be any service account.",
        LEAST,
        "CIS 5.1.13",
    ),
    _role(
        "role-view-only-reads",
        "medium",
        aggregates,
        "People who are given view are promised that they can break nothing.",
        "aggregate it to edit or admin instead",
    ),
    _binding(
        "binding-is-not-cluster-admin",
        "critical",
        cluster_admin,
        "cluster-admin has every right on every object, now and later.",
        "bind a role with what is needed",
        "CIS 5.1.1",
    ),
    _binding(
        "binding-is-not-for-masters",
        "critical",
        masters,
        "system:masters passes authorization by, so it can't be taken back.",
        "bind a group of your own",
        "CIS 5.1.7",
    ),
    _binding(
        "binding-is-not-for-everyone",
        "critical",
        everyone,
        "Every visitor or every workload would hold this right.",
        "name users, groups or one service account",
    ),
    _binding(
        "binding-is-not-for-default-account",
        "medium",
        default_account,
        "Every pod that names no account would hold this right.",
        "make an account for the workload",
        "CIS 5.1.5",
    ),
    Rule(
        name="account-default-mounts-no-token",
        severity="medium",
        kinds=ACCOUNTS,
        check=default_token,
        partial=True,
        controls=("CIS 5.1.5", "CIS 5.1.6"),
        why="Every pod that names no account would carry a token.",
        remedy="set automountServiceAccountToken: false on the default service account",
    ),
)
