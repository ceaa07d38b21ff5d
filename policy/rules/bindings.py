"""Rules for role bindings and service accounts: who may hold rights."""

from __future__ import annotations

from collections.abc import Iterator

from .field import Field
from .rule import Resource, Rule, RuleGroup

BINDINGS = RuleGroup(
    frozenset({"rbac.authorization.k8s.io:RoleBinding", "rbac.authorization.k8s.io:ClusterRoleBinding"}), partial=True
)
ACCOUNTS = frozenset({"core:ServiceAccount"})
EVERYONE = {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"}


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


RULES = (
    BINDINGS.rule(
        "binding-is-not-cluster-admin",
        "critical",
        cluster_admin,
        "cluster-admin grants every right on every object, including kinds that are added later.",
        "bind a role with only the rights that are needed",
        "CIS 5.1.1",
    ),
    BINDINGS.rule(
        "binding-is-not-for-masters",
        "critical",
        masters,
        "system:masters bypasses authorization, so its rights can't be revoked.",
        "bind a group of your own",
        "CIS 5.1.7",
    ),
    BINDINGS.rule(
        "binding-is-not-for-everyone",
        "critical",
        everyone,
        "Every user or every workload would have these rights.",
        "name users, groups or one service account",
    ),
    BINDINGS.rule(
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
