"""Machine configurations that must not pass."""

import json

from tests.policy.support import DROP, Case, patched

V = "v1alpha1"
KEY = "-----BEGIN " + "EC PRIVATE KEY-----"


def api(**settings: object) -> dict[str, object]:
    return {"cluster": {"apiServer": settings}}


def document(kind: str, **fields: object) -> dict[str, object]:
    return {"apiVersion": V, "kind": kind, **fields}


def raw(text: object, says: str) -> Case:
    return Case("talos-patches-can-be-judged", "machine", {"configPatches[+]": text}, says)


def pods(access: dict[str, object]) -> dict[str, object]:
    return {"machine": {"features": {"kubernetesTalosAPIAccess": {"enabled": True, **access}}}}


FROM_PODS = "machine.features.kubernetesTalosAPIAccess"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
LAST = "configPatches[4]"
ADMISSION = "cluster.apiServer.admissionControl"
IMAGE = "machine.install.image is not a factory installer with a schematic and an exact version"


def pod_security(**configuration: object) -> dict[str, object]:
    return api(admissionControl=[{"name": "PodSecurity", "configuration": configuration}])


CASES = (
    raw("machine: {}", f"{LAST} is not one JSON document, so it can't be judged"),
    raw('{"a": 1}\n---\n{"b": 2}', f"{LAST} is not one JSON document, so it can't be judged"),
    raw("[" * 5000, f"{LAST} is not one JSON document, so it can't be judged"),
    raw(
        json.dumps([{"op": "remove", "path": "/machine"}]),
        f"{LAST} is not a strategic merge patch (Talos refuses JSON6902 lists on typed documents), so it "
        "can't be judged",
    ),
    raw("7", f"{LAST} is not a mapping, so it can't be judged"),
    raw('{"machine": []}', f"{LAST}.machine is not a mapping, so it can't be judged"),
    raw('{"kind": 3}', f"{LAST} is not a document whose kind and name are texts, so it can't be judged"),
    raw('{"x":' * 70 + "1" + "}" * 70, f"{LAST} is not a document of a sane depth, so it can't be judged"),
    raw({"machine": {}}, f"{LAST} is not text, so it can't be judged"),
    raw(UNKNOWN, f"{LAST} is not known in the plan, so it can't be judged"),
    raw(f'{{"machine": {{"token": "{UNKNOWN}"}}}}', f"{LAST} is not known in the plan, so it can't be judged"),
    patched(
        "talos-installer-is-pinned", {"machine": {"install": {"image": "ghcr.io/siderolabs/installer:latest"}}}, IMAGE
    ),
    patched(
        "talos-installer-is-pinned", {"machine": {"install": {"image": f"f.io/installer/{'1' * 64}:latest"}}}, IMAGE
    ),
    patched("talos-installer-is-pinned", {"machine": {"install": {"image": "f.io/installer/abc:v1.14.2"}}}, IMAGE),
    patched(
        "talos-installer-is-pinned",
        {"machine": {"install": {"image": {"$patch": "delete"}}}},
        "machine.install.image is not set, so the provider installs the Talos version that it was built with",
    ),
    *(
        Case(
            "talos-applies-without-surprise",
            "machine",
            {"applyMode": mode},
            "applyMode is not one of auto, no_reboot, staged, and any other mode reboots the machine at each change",
        )
        for mode in ("reboot", "", "try", DROP)
    ),
    Case(
        "talos-applies-without-surprise",
        "machine",
        {"applyMode": "staged_if_needing_reboot"},
        "applyMode is staged_if_needing_reboot, which queries the machine in every preview and reboots "
        "it if it does not answer",
    ),
    Case(
        "talos-applies-without-surprise",
        "machine",
        {"applyMode": UNKNOWN},
        "applyMode is not known in the plan, so it can't be judged",
    ),
    Case(
        "talos-never-resets-by-accident",
        "machine",
        {"onDestroy": {"reset": True, "graceful": True}},
        "onDestroy.reset is true, so deleting the machine from the stack file wipes it",
    ),
    Case(
        "talos-never-resets-by-accident",
        "machine",
        {"onDestroy": {"reset": "true"}},
        "onDestroy.reset is not a literal true or false",
    ),
    Case(
        "talos-never-resets-by-accident",
        "machine",
        {"onDestroy": {"reset": "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"}},
        "onDestroy.reset is not a literal true or false",
    ),
    patched(
        "talos-leaves-network-to-cilium",
        {"cluster": {"network": {"cni": {"name": "flannel"}}}},
        "cluster.network.cni.name must be none: Cilium is the network",
    ),
    patched(
        "talos-leaves-network-to-cilium",
        {"cluster": {"proxy": {"disabled": False}}},
        "cluster.proxy.disabled must be true: Cilium replaces kube-proxy",
    ),
    patched(
        "talos-leaves-network-to-cilium",
        {"cluster": {"proxy": {"$patch": "delete"}}},
        "cluster.proxy.disabled must be true: Cilium replaces kube-proxy",
    ),
    patched(
        "talos-leaves-network-to-cilium",
        document("KubeProxyConfig", enabled=True),
        "KubeProxyConfig.enabled must be false: Cilium replaces kube-proxy",
    ),
    patched(
        "talos-kubeprism-is-on",
        {"machine": {"features": {"kubePrism": {"enabled": False}}}},
        "machine.features.kubePrism.enabled must be true: without kube-proxy, Cilium has no other way to reach the API",
    ),
    patched(
        "talos-kubeprism-is-on",
        {"machine": {"features": {"kubePrism": {"$patch": "delete"}}}},
        "machine.features.kubePrism.enabled must be true: without kube-proxy, Cilium has no other way to reach the API",
    ),
    patched(
        "talos-kubeprism-is-on",
        {"machine": {"features": {"kubePrism": {"port": 7446}}}},
        "machine.features.kubePrism.port must be 7445, the port at which Cilium connects to the API",
    ),
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
        "talos-admission-control-is-kept",
        api(admissionControl="x"),
        f"{ADMISSION} is not a list, so it can't be judged",
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
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraConfig": {"serverTLSBootstrap": False}}}},
        "serverTLSBootstrap is not true, so kubelets sign their own serving certificates",
    ),
    patched(
        "kubelet-proves-who-it-is",
        api(extraArgs={"kubelet-certificate-authority": {"$patch": "delete"}}),
        "cluster.apiServer.extraArgs.kubelet-certificate-authority is not set, so the API server does "
        "not verify kubelets' certificates",
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
        "kubelet-proves-who-it-is",
        api(extraArgs={"kubelet-certificate-authority": "/etc/ssl/certs/ca-certificates"}),
        "cluster.apiServer.extraArgs.kubelet-certificate-authority must be the cluster's own CA, "
        "/system/secrets/kubernetes/kube-apiserver/ca.crt",
    ),
    patched(
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraArgs": {"rotate-server-certificates": "false"}}}},
        "machine.kubelet.extraArgs.rotate-server-certificates must not be set: kubelets would serve a "
        "certificate of another CA",
    ),
    patched(
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraArgs": {"tls-cert-file": "/var/own.crt"}}}},
        "machine.kubelet.extraArgs.tls-cert-file must not be set: kubelets would serve a certificate of another CA",
    ),
    patched(
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraConfig": {"featureGates": {"RotateKubeletServerCertificate": False}}}}},
        "machine.kubelet.extraConfig.featureGates.RotateKubeletServerCertificate must not be false: "
        "kubelets would sign their own certificates",
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
    patched(
        "talos-seccomp-default-is-on",
        {"machine": {"kubelet": {"defaultRuntimeSeccompProfileEnabled": False}}},
        "machine.kubelet.defaultRuntimeSeccompProfileEnabled must stay true",
    ),
    patched(
        "talos-registers-its-node",
        {"machine": {"kubelet": {"skipNodeRegistration": True}}},
        "machine.kubelet.skipNodeRegistration must stay false: it switches kubelet authorization to AlwaysAllow",
    ),
    patched(
        "talos-hides-no-manifests",
        {"cluster": {"inlineManifests": [{"name": "x", "contents": "y"}]}},
        "cluster.inlineManifests creates Kubernetes objects that no rule checks",
    ),
    patched(
        "talos-hides-no-manifests",
        {"cluster": {"extraManifests": ["https://example.com/x.yaml"]}},
        "cluster.extraManifests creates Kubernetes objects that no rule checks",
    ),
    patched(
        "talos-hides-no-manifests",
        document("KubeInlineManifestConfig", name="x", manifest="y"),
        "KubeInlineManifestConfig creates Kubernetes objects that no rule checks",
    ),
    patched(
        "talos-api-is-not-for-pods",
        pods({"allowedRoles": ["os:admin"]}),
        f"{FROM_PODS}.allowedRoles must contain only os:etcd:backup",
    ),
    patched(
        "talos-api-is-not-for-pods",
        pods({"allowedRoles": ["os:etcd:backup", "os:reader"]}),
        f"{FROM_PODS}.allowedRoles must contain only os:etcd:backup",
    ),
    patched(
        "talos-api-is-not-for-pods",
        pods({"allowedRoles": ["os:etcd:backup"], "allowedKubernetesNamespaces": ["apps"]}),
        f"{FROM_PODS}.allowedKubernetesNamespaces must contain only etcd-snapshots",
    ),
    patched(
        "talos-api-is-not-for-pods",
        pods({"enabled": "yes", "allowedRoles": ["os:admin"]}),
        f"{FROM_PODS}.enabled is not true or false, so it can't be judged",
    ),
    patched(
        "talos-api-is-not-for-pods",
        document("KubeTalosAPIAccessConfig", allowedRoles=["os:operator"], allowedKubernetesNamespaces=["default"]),
        "KubeTalosAPIAccessConfig.allowedRoles must contain only os:etcd:backup",
        "KubeTalosAPIAccessConfig.allowedKubernetesNamespaces must contain only etcd-snapshots",
    ),
    patched(
        "talos-authorizes-its-api", {"machine": {"features": {"rbac": False}}}, "machine.features.rbac must stay true"
    ),
    patched("talos-does-not-debug", {"debug": True}, "debug must stay false"),
    patched("talos-keeps-time", {"machine": {"time": {"disabled": True}}}, "machine.time.disabled must stay false"),
    patched("talos-keeps-time", document("TimeSyncConfig", enabled=False), "TimeSyncConfig.enabled must stay true"),
    patched(
        "talos-firewall-blocks-by-default",
        document("NetworkDefaultActionConfig", ingress="accept"),
        "NetworkDefaultActionConfig.ingress must be block",
    ),
    patched(
        "talos-control-plane-runs-alone",
        {"cluster": {"allowSchedulingOnControlPlanes": True}},
        "cluster.allowSchedulingOnControlPlanes lets workloads run beside etcd",
    ),
    Case(
        "talos-secrets-are-protected",
        "pki",
        {"options.protect": False},
        "it is not protected, so a destroy or a replacement deletes the cluster's PKI",
    ),
    Case(
        "talos-secrets-are-protected",
        "pki",
        {"talosVersion": ""},
        "talosVersion is not set, so a provider upgrade or downgrade can replace the PKI",
    ),
    Case(
        "talos-secrets-are-protected",
        "pki",
        {"options.ignore_changes": ()},
        "talosVersion is not in ignore_changes, so lowering it replaces the PKI",
    ),
    patched("talos-patches-hold-no-secrets", {"machine": {"token": "t"}}, "machine.token contains a secret"),
    patched(
        "talos-patches-hold-no-secrets",
        {"cluster": {"secretboxEncryptionSecret": "t"}},
        "cluster.secretboxEncryptionSecret contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("RegistryAuthConfig", name="r", username="u", password="p"),
        "RegistryAuthConfig.password contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        {"machine": {"registries": {"config": {"r": {"auth": {"auth": "x"}}}}}},
        "machine.registries.config.<0>.auth.auth contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("VolumeConfig", name="EPHEMERAL", encryption={"keys": [{"static": {"passphrase": "p"}}]}),
        "VolumeConfig.encryption.keys[0].static.passphrase contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("WireguardConfig", name="wg", peers=[{"presharedKey": "p"}]),
        "WireguardConfig.peers[0].presharedKey contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        {"machine": {"files": [{"content": KEY, "path": "/var/x"}]}},
        f"{LAST} contains a private key",
    ),
    patched(
        "talos-encrypts-secrets-at-rest",
        {"cluster": {"secretboxEncryptionSecret": {"$patch": "delete"}}},
        "cluster.secretboxEncryptionSecret is deleted",
    ),
    patched(
        "talos-encrypts-secrets-at-rest",
        document("KubeEtcdEncryptionConfig", **{"$patch": "delete"}),
        "KubeEtcdEncryptionConfig is deleted",
    ),
    patched(
        "talos-state-key-is-not-static",
        document("VolumeConfig", name="STATE", encryption={"keys": [{"slot": 1, "static": {}}]}),
        "VolumeConfig.encryption.keys[1].static stores STATE's key unencrypted on the same disk",
    ),
    patched(
        "talos-state-key-is-not-static",
        {"machine": {"systemDiskEncryption": {"state": {"keys": [{"static": {}}]}}}},
        "machine.systemDiskEncryption.state.keys[0].static stores STATE's key unencrypted on the same disk",
    ),
    patched(
        "talos-disk-keys-are-secret",
        document("VolumeConfig", name="EPHEMERAL", encryption={"keys": [{"nodeID": {}}]}),
        "VolumeConfig.encryption.keys are all derived from the machine's UUID, which is not secret",
    ),
    patched(
        "talos-mirrors-use-tls",
        document("RegistryMirrorConfig", name="x", endpoints=[{"url": "http://m"}]),
        "RegistryMirrorConfig.endpoints[0].url is not https",
    ),
    patched(
        "talos-mirrors-use-tls",
        {"machine": {"registries": {"mirrors": {"x": {"endpoints": ["http://m"]}}}}},
        "machine.registries.mirrors.<0>.endpoints[0] is not https",
    ),
    patched(
        "talos-registries-are-verified",
        document("RegistryTLSConfig", name="x", insecureSkipVerify=True),
        "RegistryTLSConfig.insecureSkipVerify must not be true",
    ),
    patched(
        "talos-registries-are-verified",
        {"machine": {"registries": {"config": {"x": {"tls": {"insecureSkipVerify": True}}}}}},
        "machine.registries.config.<0>.tls.insecureSkipVerify must not be true",
    ),
)
