"""What the configuration of a machine must say, and must never say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .field import Field
from .rule import Resource, Rule

APPLY = frozenset({"talos:machine/configurationApply:ConfigurationApply"})
SECRETS = frozenset({"talos:machine/secrets:Secrets"})

# As the Image Factory names it, from the factory itself or from a mirror of it.
INSTALLER = re.compile(
    r"[\w.-]+(:\d+)?(/[\w.-]+)*/(metal-)?installer(-secureboot)?/[0-9a-f]{64}"
    r":v\d+\.\d+\.\d+(-[\w.]+)?(@sha256:[0-9a-f]{64})?"
)
# Auto reboots only where a change needs it; maintenance mode takes nothing else but reboot.
MODES = ("auto", "no_reboot", "staged")


def readable(resource: Resource) -> Iterator[str]:
    """Yields each patch that can't be parsed, with the reason."""
    yield from resource.machine.faults


def pinned_installer(resource: Resource) -> Iterator[str]:
    """Yields installer images without a schematic and an exact version, or that none is set."""
    legacy = resource.machine.v1alpha1.at("machine", "install", "image")
    images = [image for image in (legacy, *_new_installers(resource)) if image.given]
    if not images:
        yield f"{legacy.path} is not set, so the provider installs the Talos version that it was built with"
    for image in images:
        if not INSTALLER.fullmatch(image.text() or ""):
            yield f"{image.path} is not a factory installer with a schematic and an exact version"


def _new_installers(resource: Resource) -> list[Field]:
    return [document.at("installer", "image") for document in resource.machine.of("UnattendedInstallConfig")]


def calm_apply(resource: Resource) -> Iterator[str]:
    """Yields an apply mode that can reboot a machine unexpectedly."""
    mode = resource.inputs["applyMode"].text()
    if mode == "staged_if_needing_reboot":
        yield "applyMode is staged_if_needing_reboot, which queries the machine in every preview and reboots it if it does not answer"
    elif mode not in MODES:
        yield "applyMode is not one of " + ", ".join(MODES) + ", and any other mode reboots the machine at each change"


def no_silent_reset(resource: Resource) -> Iterator[str]:
    """Yields an `onDestroy.reset` that is true or not a literal."""
    reset = resource.inputs["onDestroy"]["reset"]
    if reset.unknown or not isinstance(reset.value, bool | None):
        yield "onDestroy.reset is not a literal true or false"
    elif reset.value:
        yield "onDestroy.reset is true, so deleting the machine from the stack file wipes it"


def proxy_and_cni(resource: Resource) -> Iterator[str]:
    """Yields a CNI other than none, and a kube-proxy that is not disabled."""
    cluster = resource.machine.v1alpha1["cluster"]
    if not cluster.given:
        return
    cni = cluster.at("network", "cni", "name")
    if cni.given and cni.text() != "none":
        yield f"{cni.path} must be none: Cilium is the network"
    proxy = cluster.at("proxy", "disabled")
    if (cluster["proxy"].given or cni.given) and proxy.flag() is not True:
        yield f"{proxy.path} must be true: Cilium replaces kube-proxy"
    for document in resource.machine.of("KubeProxyConfig"):
        if document["enabled"].flag() is not False:
            yield f"{document.path}.enabled must be false: Cilium replaces kube-proxy"


def kubeprism(resource: Resource) -> Iterator[str]:
    """Yields a KubePrism that is off or listens on another port."""
    prism = resource.machine.v1alpha1.at("machine", "features", "kubePrism")
    if prism.deleted or prism["enabled"].flag() is False:
        yield f"{prism.path}.enabled must be true: without kube-proxy, Cilium has no other way to reach the API"
    if prism["port"].number() not in (None, 7445):
        yield f"{prism.path}.port must be 7445, the port at which Cilium connects to the API"


def admission_kept(resource: Resource) -> Iterator[str]:
    """Yields a PodSecurity admission plugin that is deleted or weakened."""
    plugins = resource.machine.v1alpha1.at("cluster", "apiServer", "admissionControl")
    if plugins.deleted:
        yield f"{plugins.path} is deleted, which removes the default pod security standard"
    entries = [(plugin, plugin["name"].text()) for plugin in plugins.items()]
    entries += [(document, document["name"].text()) for document in resource.machine.of("KubeAdmissionControlConfig")]
    for plugin, name in entries:
        if name == "PodSecurity":
            yield from _pod_security(plugin)
    if ("KubeAdmissionControlConfig", "PodSecurity") in resource.machine.documents:
        if not resource.machine.of("KubeAdmissionControlConfig")[0].given:
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
    policies = [resource.machine.v1alpha1.at("cluster", "apiServer", "auditPolicy")]
    documents = resource.machine.of("KubeAuditPolicyConfig")
    yield from (f"{document.path} is deleted" for document in documents if document.deleted)
    for policy in (*policies, *(document["configuration"] for document in documents)):
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
    if not resource.machine.of("KubeAPIServerConfig"):
        return  # Fields of an older contract: Talos adds both itself.
    kinds = {document["type"].text() for document in resource.machine.of("KubeAuthorizerConfig") if document.given}
    for wanted in ("Node", "RBAC"):
        if wanted not in kinds:
            yield f"no KubeAuthorizerConfig has the type {wanted}"
    if kinds - {"Node", "RBAC", "Webhook"}:
        yield "a KubeAuthorizerConfig has a type other than Node, RBAC and Webhook"


# Where Talos puts the cluster's authority on control planes.
CLUSTER_CA = "/system/secrets/kubernetes/kube-apiserver/ca.crt"


def kubelet_proves_itself(resource: Resource) -> Iterator[str]:
    """Yields what lets a kubelet serve a certificate that the cluster's CA did not sign."""
    legacy = resource.machine.v1alpha1
    bodies = [
        legacy.at("machine", "kubelet", "extraConfig"),
        *(d["config"] for d in resource.machine.of("KubeletConfig")),
    ]
    if not any(body["serverTLSBootstrap"].flag() for body in bodies):
        yield "serverTLSBootstrap is not true, so kubelets sign their own serving certificates"
    for body in bodies:
        if body["featureGates"]["RotateKubeletServerCertificate"].flag() is False:
            yield f"{body.path}.featureGates.RotateKubeletServerCertificate must not be false: kubelets would sign their own certificates"
    for kubelet in (legacy.at("machine", "kubelet"), *resource.machine.of("KubeletConfig")):
        for argument in ("rotate-server-certificates", "tls-cert-file", "tls-private-key-file"):
            value = kubelet["extraArgs"][argument].scalar()
            if value is not None and (argument.startswith("tls") or value != "true"):
                yield f"{kubelet.path}.extraArgs.{argument} must not be set: kubelets would serve a certificate that the cluster did not sign"
    servers = [legacy.at("cluster", "apiServer"), *resource.machine.of("KubeAPIServerConfig")]
    given = [server for server in servers if server.given]
    named = [server["extraArgs"]["kubelet-certificate-authority"] for server in given]
    if given and not any(authority.given for authority in named):
        yield f"{given[0].path}.extraArgs.kubelet-certificate-authority is not set, so the API server does not verify kubelets' certificates"
    for authority in named:
        if authority.given and authority.scalar() != CLUSTER_CA:
            yield f"{authority.path} must be the cluster's own CA, {CLUSTER_CA}"


def external_ips_refused(resource: Resource) -> Iterator[str]:
    """Yields plugin lists of the API server without DenyServiceExternalIPs."""
    for server in (resource.machine.v1alpha1.at("cluster", "apiServer"), *resource.machine.of("KubeAPIServerConfig")):
        plugins = server["extraArgs"]["enable-admission-plugins"]
        named = ",".join(plugins.texts()) if isinstance(plugins.value, list) else plugins.scalar()
        # A patch's list replaces the platform's; the plugin is in no default list.
        if named is not None and "DenyServiceExternalIPs" not in [name.strip() for name in named.split(",")]:
            yield f"{plugins.path} lacks DenyServiceExternalIPs"


HEALTH = {"/livez", "/readyz", "/healthz"}


def anonymous_health(resource: Resource) -> Iterator[str]:
    """Yields anonymous access to paths other than the health endpoints."""
    for document in resource.machine.of("KubeAuthenticationConfig"):
        anonymous = document.at("configuration", "anonymous")
        paths = {condition["path"].text() for condition in anonymous["conditions"].items()}
        # Left out, everything is open to everyone.
        if anonymous["enabled"].flag() is not False and not (paths and paths <= HEALTH):
            yield f"{anonymous.path} accepts anonymous requests for more than the health endpoints"


def seccomp_default(resource: Resource) -> Iterator[str]:
    """Yields a kubelet whose default seccomp profile is off."""
    kubelet = resource.machine.v1alpha1.at("machine", "kubelet")
    for place in (kubelet, *resource.machine.of("KubeletConfig")):
        if place["defaultRuntimeSeccompProfileEnabled"].flag() is False:
            yield f"{place.path}.defaultRuntimeSeccompProfileEnabled must stay true"


def registers_node(resource: Resource) -> Iterator[str]:
    """Yields a kubelet that does not register its node."""
    kubelet = resource.machine.v1alpha1.at("machine", "kubelet")
    for place in (kubelet, *resource.machine.of("KubeletConfig")):
        if place["skipNodeRegistration"].flag():
            yield f"{place.path}.skipNodeRegistration must stay false: it switches kubelet authorization to AlwaysAllow"


def hidden_manifests(resource: Resource) -> Iterator[str]:
    """Yields fields and documents that create Kubernetes objects outside of the plan."""
    cluster = resource.machine.v1alpha1["cluster"]
    for name in ("inlineManifests", "extraManifests"):
        if cluster[name].items():
            yield f"cluster.{name} creates Kubernetes objects that no rule checks"
    for kind in ("KubeInlineManifestConfig", "KubeExternalManifestConfig"):
        if resource.machine.of(kind):
            yield f"{kind} creates Kubernetes objects that no rule checks"


# What pods may be let do by Talos, and where from: jobs that save etcd.
POD_ROLES = frozenset({"os:etcd:backup"})
POD_NAMESPACES = frozenset({"etcd-snapshots"})


def api_from_pods(resource: Resource) -> Iterator[str]:
    """Yields access of pods to the Talos API beyond the snapshot job's role and namespace."""
    field = resource.machine.v1alpha1.at("machine", "features", "kubernetesTalosAPIAccess")
    # Left out, it is off; a document says by being there that it is on.
    places = [
        *([field] if field["enabled"].given and field["enabled"].flag() is not False else []),
        *resource.machine.of("KubeTalosAPIAccessConfig"),
    ]
    for access in (place for place in places if place.given):
        for name, allowed in (("allowedRoles", POD_ROLES), ("allowedKubernetesNamespaces", POD_NAMESPACES)):
            if set(access[name].texts()) - allowed:
                yield f"{access.path}.{name} must contain only {' and '.join(sorted(allowed))}"


def talos_rbac(resource: Resource) -> Iterator[str]:
    """Yields a Talos API without RBAC or without checks of certificates' key usage."""
    features = resource.machine.v1alpha1.at("machine", "features")
    for name in ("rbac", "apidCheckExtKeyUsage"):
        if features[name].flag() is False:
            yield f"{features.path}.{name} must stay true"


def no_debug(resource: Resource) -> Iterator[str]:
    """Yields debug mode."""
    if resource.machine.v1alpha1["debug"].flag():
        yield "debug must stay false"


def time_sync(resource: Resource) -> Iterator[str]:
    """Yields a disabled time synchronization."""
    if resource.machine.v1alpha1.at("machine", "time", "disabled").flag():
        yield "machine.time.disabled must stay false"
    for document in resource.machine.of("TimeSyncConfig"):
        if document["enabled"].flag() is False:
            yield f"{document.path}.enabled must stay true"


def firewall_blocks(resource: Resource) -> Iterator[str]:
    """Yields a firewall that does not block by default."""
    for document in resource.machine.of("NetworkDefaultActionConfig"):
        if not document.given or document["ingress"].text() != "block":
            yield f"{document.path}.ingress must be block"


def separate_control_plane(resource: Resource) -> Iterator[str]:
    """Yields control planes that run workloads."""
    if resource.machine.v1alpha1.at("cluster", "allowSchedulingOnControlPlanes").flag():
        yield "cluster.allowSchedulingOnControlPlanes lets workloads run beside etcd"


def protected_secrets(resource: Resource) -> Iterator[str]:
    """Yields what lets an update delete or replace the cluster's PKI."""
    if not resource.options.protect:
        yield "it is not protected, so a destroy or a replacement deletes the cluster's PKI"
    if resource.props and not resource.inputs["talosVersion"].text():
        yield "talosVersion is not set, so a provider upgrade or downgrade can replace the PKI"
    if not {"talosVersion", "talos_version"} & set(resource.options.ignore_changes):
        yield "talosVersion is not in ignore_changes, so lowering it replaces the PKI"


RULES = (
    Rule(
        name="talos-patches-can-be-judged",
        severity="critical",
        kinds=APPLY,
        check=readable,
        why="A patch that can't be read in the plan can't be reviewed.",
        remedy="write each patch as one JSON document (a strategic merge patch) made of plain values",
    ),
    Rule(
        name="talos-installer-is-pinned",
        severity="high",
        kinds=APPLY,
        check=pinned_installer,
        why="A reinstalled machine must run the same Talos version and extensions as before.",
        remedy="name <registry>/metal-installer/<schematic>:v<major>.<minor>.<patch>",
    ),
    Rule(
        name="talos-applies-without-surprise",
        severity="high",
        kinds=APPLY,
        check=calm_apply,
        why="The provider treats an empty or unknown apply mode as reboot.",
        remedy="set applyMode to auto, or to staged and reboot in order",
    ),
    Rule(
        name="talos-never-resets-by-accident",
        severity="critical",
        kinds=APPLY,
        check=no_silent_reset,
        why="Deleting a machine's entry from the stack file must not wipe its disks.",
        remedy="set onDestroy.reset to false; to erase a machine, set decommission: wipe in its entry",
    ),
    Rule(
        name="talos-leaves-network-to-cilium",
        severity="high",
        kinds=APPLY,
        check=proxy_and_cni,
        why="Two CNIs or two service proxies on one node overwrite each other's rules.",
        remedy="set cluster.network.cni.name to none and cluster.proxy.disabled to true",
    ),
    Rule(
        name="talos-kubeprism-is-on",
        severity="high",
        kinds=APPLY,
        check=kubeprism,
        why="Cilium reaches the API through KubePrism before any Service works.",
        remedy="set machine.features.kubePrism to {enabled: true, port: 7445}",
    ),
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
        name="kubelet-proves-who-it-is",
        severity="medium",
        kinds=APPLY,
        check=kubelet_proves_itself,
        controls=("CIS 1.2.5", "CIS 4.2.9", "CIS 4.2.11"),
        why="A host that impersonates a kubelet reads everything that kubectl exec sends to pods.",
        remedy="remove the field from the patch, or record exceptions to all three controls",
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
    Rule(
        name="talos-seccomp-default-is-on",
        severity="high",
        kinds=APPLY,
        check=seccomp_default,
        controls=("CIS 4.2.14", "CIS 5.6.2"),
        why="Pods without a seccomp profile must run with the container runtime's default one.",
        remedy="remove the field from the patch",
    ),
    Rule(
        name="talos-registers-its-node",
        severity="critical",
        kinds=APPLY,
        check=registers_node,
        controls=("CIS 4.2.2",),
        why="A kubelet that does not register its node authorizes every request.",
        remedy="remove the field from the patch",
    ),
    Rule(
        name="talos-hides-no-manifests",
        severity="high",
        kinds=APPLY,
        check=hidden_manifests,
        why="Objects created by a machine config do not appear in the plan, so no rule checks them.",
        remedy="register the objects in the program",
    ),
    Rule(
        name="talos-api-is-not-for-pods",
        severity="critical",
        kinds=APPLY,
        check=api_from_pods,
        why="Any other role lets a pod read the machines' secrets or control them; in a shared namespace, every pod could.",
        remedy="remove it from the patches: talos.snapshots.schedule configures it",
    ),
    Rule(
        name="talos-authorizes-its-api",
        severity="critical",
        kinds=APPLY,
        check=talos_rbac,
        why="Without RBAC every Talos client certificate has administrator rights.",
        remedy="remove the field from the patch",
    ),
    Rule(
        name="talos-does-not-debug",
        severity="medium",
        kinds=APPLY,
        check=no_debug,
        why="Debug mode writes service logs to the machine's console.",
        remedy="remove the field from the patch",
    ),
    Rule(
        name="talos-keeps-time",
        severity="medium",
        kinds=APPLY,
        check=time_sync,
        why="Certificates, etcd leases and audit records depend on synchronized clocks.",
        remedy="set time servers of your own instead",
    ),
    Rule(
        name="talos-firewall-blocks-by-default",
        severity="high",
        kinds=APPLY,
        check=firewall_blocks,
        why="With ingress: accept, every port without a rule is open.",
        remedy="set ingress: block and open ports with NetworkRuleConfig documents",
    ),
    Rule(
        name="talos-control-plane-runs-alone",
        severity="low",
        kinds=APPLY,
        check=separate_control_plane,
        level="opt-in",
        why="A workload that starves etcd takes the whole cluster down.",
        remedy="add workers; on a single machine, leave this rule off",
    ),
    Rule(
        name="talos-secrets-are-protected",
        severity="critical",
        kinds=SECRETS,
        check=protected_secrets,
        inputless=True,
        why="The PKI is created once: replacing it locks every client out of every machine.",
        remedy="register it with protect=True, talos_version set, and ignore_changes=['talosVersion']",
    ),
)
