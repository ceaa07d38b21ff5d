"""Flags of Kubernetes' components that must not pass: what a patch sets, and the violation."""

from tests.policy.support import Case, patched


def api(rule: str, flag: str, value: object, must: str, *also: str) -> Case:
    return patched(rule, {"cluster": {"apiServer": {"extraArgs": {flag: value}}}},
                   f"cluster.apiServer.extraArgs.{flag} {must}", also=also)  # fmt: skip


def part(name: str, rule: str, flag: str, value: object, must: str) -> Case:
    return patched(rule, {"cluster": {name: {"extraArgs": {flag: value}}}}, f"cluster.{name}.extraArgs.{flag} {must}")


def kubelet(rule: str, flag: str, value: object, must: str) -> Case:
    return patched(rule, {"machine": {"kubelet": {"extraArgs": {flag: value}}}},
                   f"machine.kubelet.extraArgs.{flag} {must}")  # fmt: skip


def config(rule: str, key: str, value: object, must: str) -> Case:
    return patched(rule, {"machine": {"kubelet": {"extraConfig": {key: value}}}},
                   f"machine.kubelet.extraConfig.{key} {must}")  # fmt: skip


MANAGER, SCHEDULER = "controllerManager", "scheduler"
CASES = (
    api("apiserver-no-anonymous-requests", "anonymous-auth", "true", "must stay false"),
    api("apiserver-no-anonymous-requests", "anonymous-auth", True, "must stay false"),
    api("apiserver-no-static-tokens", "token-auth-file", "/x", "must not be set"),
    api("apiserver-authorizes-by-rbac", "authorization-mode", "Node, AlwaysAllow",
        "must hold no mode but Node, RBAC and Webhook"),
    api("apiserver-authorizes-by-rbac", "authorization-mode", ["RBAC", "AlwaysAllow"],
        "must hold no mode but Node, RBAC and Webhook"),
    api("apiserver-admission-plugins-stay-on", "disable-admission-plugins", "NodeRestriction", "must not be set"),
    api("apiserver-admits-by-checks", "enable-admission-plugins", "NodeRestriction,AlwaysAdmit",
        "must not name AlwaysAdmit", "apiserver-refuses-external-ips"),
    api("apiserver-admission-config-is-talos", "admission-control-config-file", "/x", "must not be set"),
    api("apiserver-no-profiling", "profiling", "true", "must stay false"),
    api("apiserver-keeps-audit-log", "audit-log-path", "-", "must stay as Talos sets it"),
    api("apiserver-keeps-audit-age", "audit-log-maxage", "7", "must be 30 or more days"),
    api("apiserver-keeps-audit-backups", "audit-log-maxbackup", 3, "must be 10 or more files"),
    api("apiserver-keeps-audit-size", "audit-log-maxsize", "10", "must be 100 or more megabytes"),
    api("apiserver-looks-tokens-up", "service-account-lookup", "false", "must stay true"),
    api("apiserver-tls-is-modern", "tls-min-version", "VersionTLS11", "must be VersionTLS12 or VersionTLS13"),
    api("apiserver-ciphers-are-strong", "tls-cipher-suites", "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "must hold only forward-secret AEAD suites"),
    api("apiserver-tokens-expire", "service-account-extend-token-expiration", "true", "must be false"),
    api("apiserver-feature-gates-are-safe", "feature-gates", "X=true,AllAlpha=true",
        "enables all alpha or beta gates, or disables one that protects the cluster"),
    patched("apiserver-no-anonymous-requests", {"kind": "KubeAPIServerConfig", "extraArgs": {"anonymous-auth": "true"}},
            "KubeAPIServerConfig.extraArgs.anonymous-auth must stay false", also=("apiserver-has-both-authorizers",)),
    part(MANAGER, "controller-manager-listens-locally", "bind-address", "0.0.0.0", "must be the loopback address"),
    part(MANAGER, "controller-manager-no-profiling", "profiling", "true", "must stay false"),
    part(MANAGER, "controller-manager-uses-own-accounts", "use-service-account-credentials", "false", "must stay true"),
    part(MANAGER, "controller-manager-rotates-kubelet-certificates", "feature-gates",
         "RotateKubeletServerCertificate=false", "must not disable rotation"),
    part(MANAGER, "controller-manager-collects-dead-pods", "terminated-pod-gc-threshold", "0",
         "must be a positive number"),
    part(SCHEDULER, "scheduler-listens-locally", "bind-address", "0.0.0.0", "must be the loopback address"),
    part(SCHEDULER, "scheduler-no-profiling", "profiling", "true", "must stay false"),
    part("etcd", "etcd-authenticates-clients", "peer-client-cert-auth", "false", "must stay true"),
    part("etcd", "etcd-uses-issued-certificates", "auto-tls", "true", "must stay false"),
    kubelet("kubelet-no-anonymous-requests", "anonymous-auth", "true", "must stay false"),
    kubelet("kubelet-authorizes-by-webhook", "authorization-mode", "AlwaysAllow", "must stay Webhook"),
    kubelet("kubelet-no-read-only-port", "read-only-port", "10255", "must be 0"),
    config("kubelet-no-read-only-port", "readOnlyPort", 10255, "must be 0"),
    config("kubelet-ends-idle-streams", "streamingConnectionIdleTimeout", "0s", "must not be 0"),
    config("kubelet-manages-iptables-chains", "makeIPTablesUtilChains", False, "must stay true"),
    kubelet("kubelet-keeps-its-hostname", "hostname-override", "cp-2", "must not be set"),
    config("kubelet-records-events", "eventRecordQPS", -1, "must be 0 or more"),
    config("kubelet-rotates-certificates", "rotateCertificates", False, "must stay true"),
    config("kubelet-limits-pids", "podPidsLimit", -1, "must be a positive number"),
    config("kubelet-confines-by-seccomp", "seccompDefault", False, "must stay true"),
    config("kubelet-protects-kernel-defaults", "protectKernelDefaults", False, "must stay true"),
    config("kubelet-ciphers-are-strong", "tlsCipherSuites", ["TLS_RSA_WITH_RC4_128_SHA"],
           "must hold only forward-secret AEAD suites"),
    config("kubelet-confines-by-seccomp", "seccompDefault", {"a": 1},
           "is not a text, number or flag, so it can't be judged"),
)  # fmt: skip
