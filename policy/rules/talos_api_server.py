"""Rules for the API server in a machine configuration: admission, audit, authorization, authentication."""

from __future__ import annotations

from collections.abc import Iterator

from .field import Field
from .flag import arguments, components
from .rule import Resource, Rule
from .talos import APPLY

HEALTH = {"/livez", "/readyz", "/healthz"}


def admission_kept(resource: Resource) -> Iterator[str]:
    """Yields a PodSecurity admission plugin that is deleted or weakened."""
    plugins = resource.config.v1alpha1.at("cluster", "apiServer", "admissionControl")
    if plugins.deleted:
        yield f"{plugins.path} is deleted, which removes the default pod security standard"
    entries = [(plugin, plugin["name"].text()) for plugin in plugins.items()]
    entries += [(document, document["name"].text()) for document in resource.config.of("KubeAdmissionControlConfig")]
    security = [plugin for plugin, name in entries if name == "PodSecurity"]
    for plugin in security:
        yield from _pod_security(plugin)
        if resource.known_controlplane and not plugin.at("configuration", "defaults", "enforce").given:
            yield f"{plugin.path}.configuration.defaults.enforce is not set, which is privileged"
    if resource.known_controlplane and not security:
        yield "no admission plugin PodSecurity is configured, so namespaces without a label accept privileged pods"
    document = resource.config.documents.get(("KubeAdmissionControlConfig", "PodSecurity"))
    if Field(document).deleted:
        yield "KubeAdmissionControlConfig PodSecurity is deleted"


def _pod_security(plugin: Field) -> Iterator[str]:
    if plugin["$patch"].given:
        yield f"{plugin.path} removes PodSecurity"
    if plugin.at("configuration", "defaults", "enforce").text() == "privileged":
        yield f"{plugin.path}.configuration.defaults.enforce must not be privileged"
    exempt = plugin.at("configuration", "exemptions")
    for who in ("usernames", "runtimeClasses"):
        if exempt[who].items():
            yield f"{exempt.path}.{who} must be empty"
    if set(exempt["namespaces"].texts()) - {"kube-system"}:
        yield f"{exempt.path}.namespaces must contain only kube-system: label the namespace instead"


def audit_kept(resource: Resource) -> Iterator[str]:
    """Yields an audit policy that is deleted or does not record all requests."""
    policies = [resource.config.v1alpha1.at("cluster", "apiServer", "auditPolicy")]
    documents = resource.config.of("KubeAuditPolicyConfig")
    yield from (f"{document.path} is deleted" for document in documents if document.deleted)
    policies += [document["configuration"] for document in documents]
    if resource.known_controlplane and not any(policy.given for policy in policies):
        yield "no audit policy is set"
    for policy in policies:
        if policy.deleted:
            yield f"{policy.path} is deleted"
        elif policy.given:
            yield from _recorded(policy)


def _recorded(policy: Field) -> Iterator[str]:
    rules = policy["rules"].items()
    levels = [rule["level"].text() for rule in rules]
    if all(level == "None" for level in levels):
        yield f"{policy.path} records nothing"
        return
    if (
        any(
            rules[-1][what].given
            for what in ("users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs")
        )
        or levels[-1] == "None"
    ):
        yield f"{policy.path}.rules has no catch-all rule at its end, so requests that no rule matches are not recorded"
    for rule, level in zip(rules, levels, strict=True):
        if level == "None" and not any(rule[whom].given for whom in ("users", "userGroups", "nonResourceURLs")):
            yield f"{rule.path} excludes its requests from the audit log for every user"


def both_authorizers(resource: Resource) -> Iterator[str]:
    """Yields which of the authorizers Node and RBAC is missing, and any unknown authorizer."""
    if not resource.config.of("KubeAPIServerConfig"):
        return  # Fields of an older contract: Talos adds both itself.
    kinds = {document["type"].text() for document in resource.config.of("KubeAuthorizerConfig") if document.given}
    for wanted in ("Node", "RBAC"):
        if wanted not in kinds:
            yield f"no KubeAuthorizerConfig has the type {wanted}"
    if kinds - {"Node", "RBAC", "Webhook"}:
        yield "a KubeAuthorizerConfig has a type other than Node, RBAC and Webhook"


def anonymous_health(resource: Resource) -> Iterator[str]:
    """Yields anonymous access to paths other than the health endpoints."""
    for document in resource.config.of("KubeAuthenticationConfig"):
        anonymous = document.at("configuration", "anonymous")
        paths = {condition["path"].text() for condition in anonymous["conditions"].items()}
        # Left out, everything is open to everyone.
        if anonymous["enabled"].flag() is not False and not (paths and paths <= HEALTH):
            yield f"{anonymous.path} accepts anonymous requests for more than the health endpoints"


def external_ips_refused(resource: Resource) -> Iterator[str]:
    """Yields plugin lists of the API server without DenyServiceExternalIPs."""
    servers = components(resource, "apiServer")
    given = [place for server in servers for place in arguments(server, "enable-admission-plugins") if place.given]
    for plugins in given:
        named = ",".join(plugins.texts()) if isinstance(plugins.value, list) else plugins.scalar()
        # A patch's list replaces the platform's; the plugin is in no default list.
        if named is not None and "DenyServiceExternalIPs" not in [name.strip() for name in named.split(",")]:
            yield f"{plugins.path} lacks DenyServiceExternalIPs"
    if resource.known_controlplane and not given:
        yield f"{servers[-1].path}.extraArgs.enable-admission-plugins is not set, and so lacks DenyServiceExternalIPs"


RULES = (
    Rule(
        name="talos-admission-control-is-kept",
        severity="critical",
        kinds=APPLY,
        check=admission_kept,
        controls=("CIS 5.2.1",),
        why="Without the default standard, a namespace without a label accepts privileged pods.",
        remedy="keep the PodSecurity plugin and exempt nothing but kube-system",
    ),
    Rule(
        name="talos-audit-policy-is-kept",
        severity="high",
        kinds=APPLY,
        check=audit_kept,
        controls=("CIS 3.2.1", "CIS 3.2.2"),
        why="The audit log is the only record of who did what.",
        remedy="remove the policy from the patch, or end it with a catch-all rule of level Metadata",
    ),
    Rule(
        name="apiserver-has-both-authorizers",
        severity="critical",
        kinds=APPLY,
        check=both_authorizers,
        controls=("CIS 1.2.6", "CIS 1.2.7", "CIS 1.2.8"),
        why="From contract v1.14 on Talos adds no authorizer by itself: one that the documents omit is off.",
        remedy="keep the KubeAuthorizerConfig documents node and rbac",
    ),
    Rule(
        name="apiserver-tells-strangers-its-health-alone",
        severity="critical",
        kinds=APPLY,
        check=anonymous_health,
        controls=("CIS 1.2.1",),
        why="A request without credentials must not reach authorization.",
        remedy="set anonymous.enabled to false, or limit anonymous.conditions to /livez, /readyz and /healthz",
    ),
    Rule(
        name="apiserver-refuses-external-ips",
        severity="high",
        kinds=APPLY,
        check=external_ips_refused,
        controls=("CIS 1.2.3",),
        why="An external IP can intercept traffic to any address, including other pods' (CVE-2020-8554).",
        remedy="list it with the plugins that you add: a patch's list replaces the platform's",
    ),
)
