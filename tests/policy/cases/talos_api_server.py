"""API server settings that must not pass."""

from tests.policy.cases.machine_patches import api, document
from tests.policy.support import patched

ADMISSION = "cluster.apiServer.admissionControl"


def pod_security(**configuration: object) -> dict[str, object]:
    return api(admissionControl=[{"name": "PodSecurity", "configuration": configuration}])


CASES = (
    patched(
        "talos-admission-control-is-kept",
        api(admissionControl={"$patch": "delete"}),
        f"{ADMISSION} is deleted, which removes the default pod security standard",
    ),
    patched(
        "talos-admission-control-is-kept",
        api(admissionControl=[{"name": "PodSecurity", "$patch": "delete"}]),
        f"{ADMISSION}[0] removes PodSecurity",
    ),
    patched(
        "talos-admission-control-is-kept",
        pod_security(defaults={"enforce": "privileged"}),
        f"{ADMISSION}[0].configuration.defaults.enforce must not be privileged",
    ),
    patched(
        "talos-admission-control-is-kept",
        pod_security(exemptions={"namespaces": ["kube-system", "team"]}),
        f"{ADMISSION}[0].configuration.exemptions.namespaces must contain only kube-system: label the "
        "namespace instead",
    ),
    patched(
        "talos-admission-control-is-kept",
        pod_security(exemptions={"usernames": ["ci"]}),
        f"{ADMISSION}[0].configuration.exemptions.usernames must be empty",
    ),
    patched(
        "talos-admission-control-is-kept",
        document("KubeAdmissionControlConfig", name="PodSecurity", **{"$patch": "delete"}),
        "KubeAdmissionControlConfig PodSecurity is deleted",
    ),
    patched(
        "talos-audit-policy-is-kept",
        {"kind": "KubeAuditPolicyConfig", "configuration": {"$patch": "delete"}},
        "KubeAuditPolicyConfig.configuration is deleted",
    ),
    patched(
        "talos-audit-policy-is-kept", api(auditPolicy={"$patch": "delete"}), "cluster.apiServer.auditPolicy is deleted"
    ),
    patched(
        "talos-audit-policy-is-kept",
        api(auditPolicy={"rules": [{"level": "None"}]}),
        "cluster.apiServer.auditPolicy records nothing",
    ),
    # Talos replaces the policy, so nothing of the platform's own is left beside a user's.
    patched(
        "talos-audit-policy-is-kept",
        api(auditPolicy={"rules": [{"level": "Metadata", "verbs": ["get"]}]}),
        "cluster.apiServer.auditPolicy.rules has no catch-all rule at its end, so requests that no rule "
        "matches are not recorded",
    ),
    patched(
        "talos-audit-policy-is-kept",
        api(auditPolicy={"rules": [{"level": "None", "resources": [{"group": ""}]}, {"level": "Metadata"}]}),
        "cluster.apiServer.auditPolicy.rules[0] excludes its requests from the audit log for every user",
    ),
    patched(
        "talos-audit-policy-is-kept",
        document("KubeAuditPolicyConfig", configuration={"rules": [{"level": "None"}]}),
        "KubeAuditPolicyConfig.configuration records nothing",
    ),
    patched(
        "apiserver-refuses-external-ips",
        api(extraArgs={"enable-admission-plugins": "AlwaysPullImages"}),
        "cluster.apiServer.extraArgs.enable-admission-plugins lacks DenyServiceExternalIPs",
    ),
    patched(
        "apiserver-refuses-external-ips",
        api(extraArgs={"enable-admission-plugins": ["EventRateLimit"]}),
        "cluster.apiServer.extraArgs.enable-admission-plugins lacks DenyServiceExternalIPs",
    ),
    patched(
        "apiserver-has-both-authorizers",
        document("KubeAPIServerConfig", extraArgs={}),
        "no KubeAuthorizerConfig has the type Node",
        "no KubeAuthorizerConfig has the type RBAC",
    ),
    patched(
        "apiserver-tells-strangers-its-health-alone",
        document("KubeAuthenticationConfig", configuration={"anonymous": {"enabled": True}}),
        "KubeAuthenticationConfig.configuration.anonymous accepts anonymous requests for more than the "
        "health endpoints",
    ),
    patched(
        "apiserver-tells-strangers-its-health-alone",
        document(
            "KubeAuthenticationConfig",
            configuration={"anonymous": {"enabled": True, "conditions": [{"path": "/livez"}, {"path": "/metrics"}]}},
        ),
        "KubeAuthenticationConfig.configuration.anonymous accepts anonymous requests for more than the "
        "health endpoints",
    ),
)
