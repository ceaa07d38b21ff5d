"""Flags of the Kubernetes components that Talos sets well and a patch can set badly: one rule per CIS row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .field import Field
from .rule import Resource, Rule, Severity
from .talos import APPLY

Bad = Callable[[str], bool]

# Where each component's flags live: the legacy field, and the document that replaces it from contract v1.14.
PARTS = {
    "apiServer": (("cluster", "apiServer"), "KubeAPIServerConfig"),
    "controllerManager": (("cluster", "controllerManager"), "KubeControllerManagerConfig"),
    "scheduler": (("cluster", "scheduler"), "KubeSchedulerConfig"),
    "etcd": (("cluster", "etcd"), ""),
    "kubelet": (("machine", "kubelet"), "KubeletConfig"),
}


def components(resource: Resource, part: str) -> list[Field]:
    """The places that hold a component's flags: the v1alpha1 field, then each document of its kind."""
    legacy, document = PARTS[part]
    return [resource.machine.v1alpha1.at(*legacy), *resource.machine.of(document)]


def untrue(value: str) -> bool:
    """Whether a flag's value is anything but true."""
    return value.lower() not in ("true", "t", "1")


def unfalse(value: str) -> bool:
    """Whether a flag's value is anything but false."""
    return value.lower() not in ("false", "f", "0")


def anything(_: str) -> bool:
    """Accepts every value: for flags that must not be set at all."""
    return True


def below(least: int) -> Bad:
    """A test for values that are not a number, or smaller than `least`."""
    return lambda value: not value.isdecimal() or int(value) < least


def reachable(value: str) -> bool:
    """Whether an address can be reached from outside of the node."""
    return value not in ("127.0.0.1", "::1", "localhost")


def names(*bad: str) -> Bad:
    """A test for comma-separated lists that contain one of these words."""
    return lambda value: any(part.strip() in bad for part in value.split(","))


def weak_tls(value: str) -> bool:
    """Whether a minimum TLS version is older than 1.2."""
    return value not in ("VersionTLS12", "VersionTLS13")


def weak_ciphers(value: str) -> bool:
    """Whether a list of cipher suites contains one without forward secrecy or with CBC."""
    return any(
        not cipher.strip().startswith(("TLS_ECDHE_", "TLS_AES_", "TLS_CHACHA20_")) or "CBC" in cipher
        for cipher in value.split(",")
    )


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


@dataclass(frozen=True)
class Flag:
    """One command line flag that a patch must not weaken, and the rule that says so."""

    rule: str
    part: str
    flags: tuple[str, ...]  # names in extraArgs
    bad: Bad
    must: str  # "must stay false": the reader's words for what `bad` refuses
    why: str
    controls: tuple[str, ...]
    severity: Severity = "high"
    config: str | None = None  # the same setting in the kubelet's own configuration

    def check(self, resource: Resource) -> Iterator[str]:
        """Yields each place where the flag has a forbidden value."""
        for component in components(resource, self.part):
            for where in self._places(component):
                values = where.texts() if isinstance(where.value, list) else [where.scalar()]
                if any(value is not None and self.bad(value) for value in values):
                    yield f"{where.path} {self.must}"

    def _places(self, component: Field) -> Iterator[Field]:
        yield from (component["extraArgs"][flag] for flag in self.flags)
        if self.config:
            yield from (component[body][self.config] for body in ("extraConfig", "config"))


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
        "Recorded traffic must stay unreadable when a key leaks.",
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
    Flag(
        "controller-manager-listens-locally",
        "controllerManager",
        ("bind-address",),
        reachable,
        "must be the loopback address",
        "Its metrics and debug endpoints must be reachable from the node only.",
        ("CIS 1.3.7",),
    ),
    Flag(
        "controller-manager-no-profiling",
        "controllerManager",
        ("profiling",),
        unfalse,
        "must stay false",
        "Profiles reveal the memory and the load of the control plane.",
        ("CIS 1.3.2",),
        "medium",
    ),
    Flag(
        "controller-manager-uses-own-accounts",
        "controllerManager",
        ("use-service-account-credentials",),
        untrue,
        "must stay true",
        "Each controller must contain only its own rights.",
        ("CIS 1.3.3",),
    ),
    Flag(
        "controller-manager-rotates-kubelet-certificates",
        "controllerManager",
        ("feature-gates",),
        names("RotateKubeletServerCertificate=false", "AllAlpha=true"),
        "must not disable rotation",
        "Without rotation a certificate expires while it is in use.",
        ("CIS 1.3.6",),
        "medium",
    ),
    Flag(
        "controller-manager-collects-dead-pods",
        "controllerManager",
        ("terminated-pod-gc-threshold",),
        below(1),
        "must be a positive number",
        "Terminated pods accumulate in etcd until it is full.",
        ("CIS 1.3.1",),
        "low",
    ),
    Flag(
        "scheduler-listens-locally",
        "scheduler",
        ("bind-address",),
        reachable,
        "must be the loopback address",
        "Its metrics and debug endpoints must be reachable from the node only.",
        ("CIS 1.4.2",),
    ),
    Flag(
        "scheduler-no-profiling",
        "scheduler",
        ("profiling",),
        unfalse,
        "must stay false",
        "Profiles reveal the memory and the load of the control plane.",
        ("CIS 1.4.1",),
        "medium",
    ),
    Flag(
        "etcd-authenticates-clients",
        "etcd",
        ("client-cert-auth", "peer-client-cert-auth"),
        untrue,
        "must stay true",
        "A client that reaches etcd without a certificate can read every Secret.",
        ("CIS 2.2", "CIS 2.5"),
        "critical",
    ),
    Flag(
        "etcd-uses-issued-certificates",
        "etcd",
        ("auto-tls", "peer-auto-tls"),
        unfalse,
        "must stay false",
        "A self-signed certificate does not authenticate the peer.",
        ("CIS 2.3", "CIS 2.6"),
        "critical",
    ),
    Flag(
        "kubelet-no-anonymous-requests",
        "kubelet",
        ("anonymous-auth",),
        unfalse,
        "must stay false",
        "The kubelet runs commands in pods for every client that it accepts.",
        ("CIS 4.2.1",),
        "critical",
    ),
    Flag(
        "kubelet-authorizes-by-webhook",
        "kubelet",
        ("authorization-mode",),
        lambda v: v != "Webhook",
        "must stay Webhook",
        "AlwaysAllow lets any certificate run commands in any pod.",
        ("CIS 4.2.2",),
        "critical",
    ),
    Flag(
        "kubelet-no-read-only-port",
        "kubelet",
        ("read-only-port",),
        lambda v: v != "0",
        "must be 0",
        "The read-only port shows every pod of the node without authentication.",
        ("CIS 4.2.4",),
        config="readOnlyPort",
    ),
    Flag(
        "kubelet-ends-idle-streams",
        "kubelet",
        ("streaming-connection-idle-timeout",),
        lambda v: v.rstrip("hms") in ("0", "00"),
        "must not be 0",
        "An abandoned exec session must end.",
        ("CIS 4.2.5",),
        "low",
        config="streamingConnectionIdleTimeout",
    ),
    Flag(
        "kubelet-manages-iptables-chains",
        "kubelet",
        ("make-iptables-util-chains",),
        untrue,
        "must stay true",
        "iptables rules that the kubelet does not maintain go out of date as pods change.",
        ("CIS 4.2.6",),
        "low",
        config="makeIPTablesUtilChains",
    ),
    Flag(
        "kubelet-keeps-its-hostname",
        "kubelet",
        ("hostname-override",),
        anything,
        "must not be set",
        "A node that chooses its own name can claim another node's certificate.",
        ("CIS 4.2.7",),
    ),
    Flag(
        "kubelet-records-events",
        "kubelet",
        ("event-qps",),
        lambda v: v.startswith("-"),
        "must be 0 or more",
        "Events that are dropped can't be investigated.",
        ("CIS 4.2.8",),
        "low",
        config="eventRecordQPS",
    ),
    Flag(
        "kubelet-rotates-certificates",
        "kubelet",
        ("rotate-certificates",),
        untrue,
        "must stay true",
        "Without rotation a certificate expires while it is in use.",
        ("CIS 4.2.10",),
        config="rotateCertificates",
    ),
    Flag(
        "kubelet-limits-pids",
        "kubelet",
        ("pod-max-pids",),
        below(1),
        "must be a positive number",
        "One pod must not be able to use up the process ids of its node.",
        ("CIS 4.2.13",),
        "medium",
        config="podPidsLimit",
    ),
    Flag(
        "kubelet-confines-by-seccomp",
        "kubelet",
        ("seccomp-default",),
        untrue,
        "must stay true",
        "Pods without a seccomp profile must run with the container runtime's default one.",
        ("CIS 4.2.14", "CIS 5.6.2"),
        config="seccompDefault",
    ),
    Flag(
        "kubelet-protects-kernel-defaults",
        "kubelet",
        ("protect-kernel-defaults",),
        untrue,
        "must stay true",
        "The kubelet must refuse to start on an unexpected kernel setting instead of changing it.",
        (),
        "medium",
        config="protectKernelDefaults",
    ),
    Flag(
        "kubelet-ciphers-are-strong",
        "kubelet",
        ("tls-cipher-suites",),
        weak_ciphers,
        "must hold only forward-secret AEAD suites",
        "Recorded traffic must stay unreadable when a key leaks.",
        ("CIS 4.2.12",),
        config="tlsCipherSuites",
    ),
)

RULES = tuple(
    Rule(
        name=flag.rule,
        why=flag.why,
        remedy="set this value, or remove the field from the patch to keep Talos' default",
        severity=flag.severity,
        kinds=APPLY,
        check=flag.check,
        controls=flag.controls,
    )
    for flag in FLAGS
)
