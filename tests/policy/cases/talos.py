"""Installation, network and PKI that must not pass."""

import json

from tests.policy.cases.machine_patches import document
from tests.policy.support import Case, patched


def raw(text: object, says: str) -> Case:
    return Case("talos-patches-can-be-judged", "machine", {"configPatches[+]": text}, says)


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

LAST = "configPatches[4]"

IMAGE = "machine.install.image is not a factory installer with a schematic and an exact version"
CASES = (
    raw(
        json.dumps({"cluster": {"apiServer": {"admissionControl": "x"}}}),
        f"{LAST} has a value of a type that Talos does not accept there; "
        "write the type that Talos' documentation names",
    ),
    raw(
        json.dumps({"machine": {"kubelet": {"extraConfig": {"podPidsLimit": {"a": 1}}}}}),
        f"{LAST} has a value of another type than an earlier patch, in content whose types Talos does not know, "
        "so it can't merge them; write both with one type",
    ),
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
            "talos-plugin-calls-no-machine",
            "machine",
            {"type": token},
            "the Talos plugin calls the machine without a certificate first, and deals with whoever answers: "
            "a stranger at the machine's address gets the cluster's keys",
        )
        for token in (
            "talos:machine/configurationApply:ConfigurationApply",
            "talos:machine/bootstrap:Bootstrap",
            "talos:cluster/kubeconfig:Kubeconfig",
        )
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
        "talos-leaves-network-to-cilium",
        document("KubeFlannelCNIConfig", backendType="vxlan"),
        "KubeFlannelCNIConfig must be deleted: Cilium is the network",
    ),
    patched(
        "talos-kubeprism-is-on",
        {**document("KubePrismConfig"), "$patch": "delete"},
        "KubePrismConfig must stay: without kube-proxy, Cilium has no other way to reach the API",
    ),
    patched(
        "talos-kubeprism-is-on",
        document("KubePrismConfig", port=7446),
        "KubePrismConfig.port must be 7445, the port at which Cilium connects to the API",
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
        "talos-hides-no-manifests",
        {"cluster": {"externalCloudProvider": {"enabled": True, "manifests": ["https://example.com/x.yaml"]}}},
        "cluster.externalCloudProvider.manifests creates Kubernetes objects that no rule checks",
    ),
    patched(
        "talos-trusts-its-own-authorities",
        {"machine": {"acceptedCAs": [{"crt": "YQ=="}]}},
        "machine.acceptedCAs lets clients of another authority give orders",
    ),
    patched(
        "talos-trusts-its-own-authorities",
        {"cluster": {"acceptedCAs": [{"crt": "YQ=="}]}},
        "cluster.acceptedCAs lets clients of another authority give orders",
    ),
    patched(
        "talos-trusts-its-own-authorities",
        document("KubeAPIServerCAConfig", acceptedCAs=["a"]),
        "KubeAPIServerCAConfig.acceptedCAs lets clients of another authority give orders",
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
)
