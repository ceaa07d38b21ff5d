"""Roles and bindings that must not pass."""

from tests.policy.support import DROP, Case

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def given(rule: str, group: str, kind: str, verb: str, what: str, *also: str) -> Case:
    grant = {"apiGroups": [group], "resources": [kind], "verbs": [verb]}
    return Case(rule, "role", {"rules[+]": grant}, f"rules[1] {what}", also)


CASES = (
    given("role-has-no-wildcard", "apps", "deployments/status", "*", "contains a *"),
    given("role-has-no-wildcard", "", "*/status", "get", "contains a *"),
    Case(
        "role-has-no-wildcard",
        "role",
        {"rules[+]": {"nonResourceURLs": ["/*"], "verbs": ["get"]}},
        "rules[1] contains a *",
    ),
    given("role-reads-no-secrets", "", "secrets", "list", "reads secrets"),
    given("role-makes-no-pods", "", "pods", "create", "creates or changes pods"),
    given("role-makes-no-pods", "apps", "daemonsets", "patch", "creates or changes pods"),
    given("role-enters-no-pods", "", "pods/exec", "create", "runs commands in pods"),
    given("role-enters-no-pods", "", "*/exec", "get", "runs commands in pods", "role-has-no-wildcard"),
    given(
        "role-does-not-lift-rights",
        "rbac.authorization.k8s.io",
        "clusterroles",
        "escalate",
        "grants escalate, bind or impersonate",
    ),
    given("role-makes-no-volumes", "", "persistentvolumes", "create", "creates persistent volumes"),
    given("role-uses-no-node-proxy", "", "nodes/proxy", "get", "reaches nodes/proxy"),
    given(
        "role-approves-no-certificates",
        "certificates.k8s.io",
        "certificatesigningrequests/approval",
        "update",
        "approves certificates",
    ),
    given(
        "role-changes-no-webhooks",
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        "create",
        "reaches webhook configurations",
    ),
    given("role-makes-no-tokens", "", "serviceaccounts/token", "create", "creates service account tokens"),
    Case(
        "role-reads-no-secrets",
        "role",
        {"rules[+]": {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}},
        "rules[1] reads secrets",
        (
            "role-approves-no-certificates",
            "role-changes-no-webhooks",
            "role-enters-no-pods",
            "role-has-no-wildcard",
            "role-makes-no-pods",
            "role-makes-no-tokens",
            "role-makes-no-volumes",
            "role-uses-no-node-proxy",
        ),
    ),
    Case(
        "role-view-only-reads",
        "role",
        {
            "metadata.labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"},
            "rules[+]": {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["update"]},
        },
        "it adds verbs other than get, list and watch to the aggregated role view",
    ),
    Case("binding-is-not-cluster-admin", "binding", {"roleRef.name": "cluster-admin"}, "roleRef is cluster-admin"),
    Case(
        "binding-is-not-cluster-admin",
        "binding",
        {"roleRef.name": UNKNOWN},
        "roleRef.name is not known in the plan, so it can't be judged",
    ),
    Case(
        "binding-is-not-for-masters",
        "binding",
        {"subjects[+]": {"kind": "Group", "name": "system:masters"}},
        "subjects[1] is system:masters",
    ),
    Case(
        "binding-is-not-for-everyone",
        "binding",
        {"subjects[+]": {"kind": "Group", "name": "system:authenticated"}},
        "subjects[1] is a group that contains every user or every workload",
    ),
    Case(
        "binding-is-not-for-default-account",
        "binding",
        {"subjects[+]": {"kind": "ServiceAccount", "name": "default", "namespace": "team"}},
        "subjects[1] is a default service account",
    ),
    Case(
        "account-default-mounts-no-token",
        "account",
        {"automountServiceAccountToken": DROP},
        "automountServiceAccountToken is not false",
    ),
)
