"""Flags of the API server: one rule for each CIS row."""

from __future__ import annotations

from .flag import Flag, anything, below, flag_rules, names, unfalse, untrue, weak_ciphers, weak_tls
from .rule import Rule

UNSAFE_GATES = tuple(f"{gate}=true" for gate in ("AllAlpha", "AllBeta", "UserNamespacesPodSecurityStandards")) + tuple(
    f"{gate}=false"
    for gate in (
        "AppArmor",
        "LegacyServiceAccountTokenCleanUp",
        "RotateKubeletServerCertificate",
        "SeccompDefault",
        "ServiceAccountTokenJTI",
        "ServiceAccountTokenNodeBindingValidation",
        "AuthorizeNodeWithSelectors",
    )
)


API = "apiServer"


FLAGS = (
    Flag(
        "apiserver-no-anonymous-requests",
        API,
        ("anonymous-auth",),
        unfalse,
        "must stay false",
        "A request without credentials must not reach authorization.",
        ("CIS 1.2.1",),
        "critical",
    ),
    Flag(
        "apiserver-no-static-tokens",
        API,
        ("token-auth-file", "basic-auth-file"),
        anything,
        "must not be set",
        "Static tokens never expire and can't be revoked without a restart.",
        ("CIS 1.2.2",),
        "critical",
    ),
    Flag(
        "apiserver-authorizes-by-rbac",
        API,
        ("authorization-mode",),
        names("AlwaysAllow", "AlwaysDeny", "ABAC"),
        "must hold no mode but Node, RBAC and Webhook",
        "Any other mode opens the cluster or escapes review.",
        ("CIS 1.2.6", "CIS 1.2.7", "CIS 1.2.8"),
        "critical",
    ),
    Flag(
        "apiserver-admission-plugins-stay-on",
        API,
        ("disable-admission-plugins",),
        anything,
        "must not be set",
        "Admission restricts a kubelet to its own node and a pod to its namespace's standard.",
        ("CIS 1.2.12", "CIS 1.2.13", "CIS 1.2.14"),
    ),
    Flag(
        "apiserver-admits-by-checks",
        API,
        ("enable-admission-plugins",),
        names("AlwaysAdmit"),
        "must not name AlwaysAdmit",
        "AlwaysAdmit lets every object pass unchecked.",
        ("CIS 1.2.10",),
        "critical",
    ),
    Flag(
        "apiserver-admission-config-is-talos",
        API,
        ("admission-control-config-file",),
        anything,
        "must not be set",
        "Another file replaces the one that sets the default pod security standard.",
        ("CIS 5.2.1",),
    ),
    Flag(
        "apiserver-no-profiling",
        API,
        ("profiling",),
        unfalse,
        "must stay false",
        "Profiles reveal the memory and the load of the control plane.",
        ("CIS 1.2.15",),
        "medium",
    ),
    Flag(
        "apiserver-keeps-audit-log",
        API,
        ("audit-log-path", "audit-policy-file"),
        anything,
        "must stay as Talos sets it",
        "The audit log is the only record of who did what.",
        ("CIS 1.2.16", "CIS 3.2.1"),
    ),
    Flag(
        "apiserver-keeps-audit-age",
        API,
        ("audit-log-maxage",),
        below(30),
        "must be 30 or more days",
        "An incident is often found weeks later.",
        ("CIS 1.2.17",),
        "medium",
    ),
    Flag(
        "apiserver-keeps-audit-backups",
        API,
        ("audit-log-maxbackup",),
        below(10),
        "must be 10 or more files",
        "An incident is often found weeks later.",
        ("CIS 1.2.18",),
        "medium",
    ),
    Flag(
        "apiserver-keeps-audit-size",
        API,
        ("audit-log-maxsize",),
        below(100),
        "must be 100 or more megabytes",
        "With small files, rotation deletes the traces of an attack within minutes.",
        ("CIS 1.2.19",),
        "medium",
    ),
    Flag(
        "apiserver-looks-tokens-up",
        API,
        ("service-account-lookup",),
        untrue,
        "must stay true",
        "Without the lookup a deleted service account's token still works.",
        ("CIS 1.2.21",),
    ),
    Flag(
        "apiserver-tls-is-modern",
        API,
        ("tls-min-version",),
        weak_tls,
        "must be VersionTLS12 or VersionTLS13",
        "Older TLS can be downgraded and read.",
        ("CIS 1.2.29",),
    ),
    Flag(
        "apiserver-ciphers-are-strong",
        API,
        ("tls-cipher-suites",),
        weak_ciphers,
        "must hold only forward-secret AEAD suites",
        "Without forward secrecy, recorded traffic can be decrypted once a key leaks.",
        ("CIS 1.2.29",),
    ),
    Flag(
        "apiserver-tokens-expire",
        API,
        ("service-account-extend-token-expiration",),
        unfalse,
        "must be false",
        "Extended tokens live a year instead of an hour.",
        ("CIS 1.2.30",),
        "medium",
        default="true",
    ),
    Flag(
        "apiserver-feature-gates-are-safe",
        API,
        ("feature-gates",),
        names(*UNSAFE_GATES),
        "enables all alpha or beta gates, or disables one that protects the cluster",
        "Alpha and beta features have no security guarantee.",
        (),
    ),
)


RULES: tuple[Rule, ...] = flag_rules(FLAGS)
