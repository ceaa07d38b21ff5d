"""Rules for a machine's installation, its network, how its configuration is applied, and the cluster's PKI."""

from __future__ import annotations

from collections.abc import Iterator

from core.facts import installer, ports, tokens

from .field import Field
from .rule import MACHINE, Resource, Rule

APPLY = frozenset({MACHINE})
SECRETS = frozenset({tokens.SECRETS})
# Source: siderolabs/terraform-provider-talos v0.8.0, pkg/talos/util.go, talosClientOp.
CALLS = frozenset({tokens.CONFIGURATION_APPLY, tokens.BOOTSTRAP, tokens.KUBECONFIG})


def readable(resource: Resource) -> Iterator[str]:
    """Yields each patch that can't be parsed, with the reason."""
    yield from resource.machine.faults


def pinned_installer(resource: Resource) -> Iterator[str]:
    """Yields installer images without a schematic and an exact version, or that none is set."""
    legacy = resource.config.v1alpha1.at("machine", "install", "image")
    images = [image for image in (legacy, *_new_installers(resource)) if image.given]
    if not images:
        yield f"{legacy.path} is not set, so the provider installs the Talos version that it was built with"
    for image in images:
        parsed = installer.parse(image.text() or "")
        if parsed is None or not parsed.from_factory:
            yield f"{image.path} is not a factory installer with a schematic and an exact version"
    yield from _any_disk(resource)


def _any_disk(resource: Resource) -> Iterator[str]:
    """Yields an installation that names no disk, where the whole configuration is known."""
    if not resource.inputs["base"].given:
        return
    documents = resource.config.of("UnattendedInstallConfig")
    selectors = [document.at("provisioning", "diskSelector") for document in documents if document.given]
    legacy = resource.config.v1alpha1.at("machine", "install")
    selectors += [legacy["diskSelector"]] if legacy.given or not documents else []
    for selector in selectors:
        if not selector.given:
            yield f"{selector.path} is not set, so Talos would erase the disk that it knows by a default name"


def _new_installers(resource: Resource) -> list[Field]:
    return [document.at("installer", "image") for document in resource.config.of("UnattendedInstallConfig")]


def calls_a_machine(resource: Resource) -> Iterator[str]:
    """Yields that the Talos plugin would call a machine, for every resource of a type that does."""
    yield (
        "the Talos plugin calls the machine without a certificate first, and deals with whoever answers: "
        "a stranger at the machine's address gets the cluster's keys"
    )


def proxy_and_cni(resource: Resource) -> Iterator[str]:
    """Yields a CNI other than none, and a kube-proxy that is not disabled."""
    for document in resource.config.of("KubeProxyConfig"):
        if document["enabled"].flag() is not False:
            yield f"{document.path}.enabled must be false: Cilium replaces kube-proxy"
    for document in resource.config.of("KubeFlannelCNIConfig"):
        if document.given:
            yield f"{document.path} must be deleted: Cilium is the network"
    cluster = resource.config.v1alpha1["cluster"]
    # In a whole configuration, what is absent is what Talos does by default; documents replace the fields.
    absent = resource.known_controlplane and not resource.config.of("KubeClusterConfig")
    if not cluster.given and not absent:
        return
    cni = cluster.at("network", "cni", "name")
    if (cni.given or absent) and cni.text() != "none":
        yield f"{cni.path} must be none: Cilium is the network"
    proxy = cluster.at("proxy", "disabled")
    if (cluster["proxy"].given or cni.given or absent) and proxy.flag() is not True:
        yield f"{proxy.path} must be true: Cilium replaces kube-proxy"


def kubeprism(resource: Resource) -> Iterator[str]:
    """Yields a KubePrism that is off or listens on another port."""
    prism = resource.config.v1alpha1.at("machine", "features", "kubePrism")
    documents = resource.config.of("KubePrismConfig")
    # In a whole configuration, what is absent is off.
    absent = resource.inputs["base"].given and not documents and prism["enabled"].flag() is None
    if prism.deleted or absent or prism["enabled"].flag() is False:
        yield f"{prism.path}.enabled must be true: without kube-proxy, Cilium has no other way to reach the API"
    for document in documents:
        if document.deleted:
            yield f"{document.path} must stay: without kube-proxy, Cilium has no other way to reach the API"
    for place in (prism, *documents):
        if not place.deleted and place["port"].number() not in (None, ports.KUBEPRISM):
            yield f"{place.path}.port must be {ports.KUBEPRISM}, the port at which Cilium connects to the API"


def hidden_manifests(resource: Resource) -> Iterator[str]:
    """Yields fields and documents that create Kubernetes objects outside of the plan."""
    cluster = resource.config.v1alpha1["cluster"]
    for name in ("inlineManifests", "extraManifests"):
        if cluster[name].items():
            yield f"cluster.{name} creates Kubernetes objects that no rule checks"
    if cluster.at("externalCloudProvider", "manifests").items():
        yield "cluster.externalCloudProvider.manifests creates Kubernetes objects that no rule checks"
    for kind in ("KubeInlineManifestConfig", "KubeExternalManifestConfig"):
        if resource.config.of(kind):
            yield f"{kind} creates Kubernetes objects that no rule checks"
    if resource.config.v1alpha1.at("machine", "pods").items():
        yield "machine.pods runs pods that no rule checks"
    if any(document.given for document in resource.config.of("KubeStaticPodConfig")):
        yield "KubeStaticPodConfig runs pods that no rule checks"


def own_authorities(resource: Resource) -> Iterator[str]:
    """Yields authorities whose clients may give orders to the machine or to Kubernetes, beside the cluster's own."""
    legacy = resource.config.v1alpha1
    places = [legacy["machine"], legacy["cluster"]]
    for kind in ("KubeAPIServerCAConfig", "KubeAggregatorCAConfig"):
        places += resource.config.of(kind)
    for place in places:
        if place["acceptedCAs"].items():
            yield f"{place.path}.acceptedCAs lets clients of another authority give orders"


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
        name="talos-plugin-calls-no-machine",
        severity="critical",
        kinds=CALLS,
        check=calls_a_machine,
        inputless=True,
        why="A config goes only to a machine that is known: by the platform's authority, or by the identity gate.",
        remedy="register MachineConfig, Bootstrap or Kubeconfig of components/talos instead",
    ),
    Rule(
        name="talos-leaves-network-to-cilium",
        severity="high",
        kinds=APPLY,
        check=proxy_and_cni,
        why="Two CNIs or two service proxies on one node overwrite each other's rules.",
        remedy="remove it from the patch: the platform sets no CNI and no kube-proxy",
    ),
    Rule(
        name="talos-kubeprism-is-on",
        severity="high",
        kinds=APPLY,
        check=kubeprism,
        why="Cilium reaches the API through KubePrism before any Service works.",
        remedy=f"remove it from the patch: the platform sets KubePrism at port {ports.KUBEPRISM}",
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
        name="talos-trusts-its-own-authorities",
        severity="critical",
        kinds=APPLY,
        check=own_authorities,
        controls=("TALOS CA",),
        why="Whoever has a key of an accepted authority is an administrator of every machine or of the cluster.",
        remedy="remove it, or record an exception to TALOS CA",
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
