"""Rules for the values of the Cilium chart: what Talos needs, and traffic that stays private."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.facts import ports

from .charts import CHARTS, EXACT, PACKED
from .field import Field
from .rule import Resource

CHART = re.compile(r"(.*/)?cilium(-v?\d[\w.+-]*?)?(\.tgz)?")


def _values(resource: Resource) -> Iterator[Field]:
    """The values of a Cilium release; nothing for any other chart."""
    if CHART.fullmatch(resource.inputs["chart"].text() or ""):
        yield resource.inputs["values"]


def _minor(resource: Resource) -> tuple[int, int] | None:
    version = resource.inputs["version"].text() or ""
    parts = EXACT.fullmatch(version) or PACKED.fullmatch(resource.inputs["chart"].text() or "")
    return (int(parts[1]), int(parts[2])) if parts else None


def replaces_proxy(resource: Resource) -> Iterator[str]:
    """Yields values with which Cilium does not replace kube-proxy or can't reach the API."""
    for values in _values(resource):
        if values["kubeProxyReplacement"].scalar() != "true":
            yield "values.kubeProxyReplacement is not true"
        if values["k8sServiceHost"].text() not in ("localhost", "127.0.0.1"):
            yield "values.k8sServiceHost is not localhost"
        if values["k8sServicePort"].scalar() != str(ports.KUBEPRISM):
            yield f"values.k8sServicePort is not {ports.KUBEPRISM}"


def takes_node_ranges(resource: Resource) -> Iterator[str]:
    """Yields an IPAM mode other than kubernetes."""
    for values in _values(resource):
        if values.at("ipam", "mode").text() != "kubernetes":
            yield "values.ipam.mode is not kubernetes"


def leaves_cgroups(resource: Resource) -> Iterator[str]:
    """Yields cgroup values that conflict with Talos' own mounts."""
    for values in _values(resource):
        cgroup = values["cgroup"]
        if cgroup["automount"].given:
            yield "values.cgroup.automount is misspelt, so Helm ignores it: the key is autoMount"
        if cgroup.at("autoMount", "enabled").flag() is not False:
            yield "values.cgroup.autoMount.enabled is not false"
        if cgroup["hostRoot"].text() != "/sys/fs/cgroup":
            yield "values.cgroup.hostRoot is not /sys/fs/cgroup"


def loads_no_modules(resource: Resource) -> Iterator[str]:
    """Yields containers of the agent that may load kernel modules."""
    for values in _values(resource):
        if values.at("securityContext", "privileged").flag():
            yield "values.securityContext.privileged is true"
        capabilities = values.at("securityContext", "capabilities")
        for part in ("ciliumAgent", "cleanCiliumState"):
            names = capabilities[part].texts()
            if not names:
                yield f"{capabilities.path}.{part} is not set, and the chart's default contains SYS_MODULE"
            elif {"SYS_MODULE", "ALL"} & set(names):
                yield f"{capabilities.path}.{part} contains SYS_MODULE"


def encrypts(resource: Resource) -> Iterator[str]:
    """Yields encryption that is off."""
    for values in _values(resource):
        if values.at("encryption", "enabled").flag() is not True:
            yield "values.encryption.enabled is not true"


def encrypts_nodes(resource: Resource) -> Iterator[str]:
    """Yields WireGuard without node encryption."""
    for values in _values(resource):
        encryption = values["encryption"]
        wireguard = encryption["enabled"].flag() and encryption["type"].text() == "wireguard"
        if wireguard and encryption["nodeEncryption"].flag() is not True:
            yield "values.encryption.nodeEncryption is not true"


def strict_mode_heard(resource: Resource) -> Iterator[str]:
    """Yields strict mode keys that this chart version ignores, and strict mode without encryption."""
    minor = _minor(resource)
    for values in _values(resource):
        strict = values.at("encryption", "strictMode")
        old = [strict[key].path for key in ("enabled", "cidr", "allowRemoteNodeIdentities") if strict[key].given]
        new = [strict[key].path for key in ("egress", "ingress") if strict[key].given]
        if (old or new) and minor is None:
            yield f"{strict.path} can't be checked, because the chart's version is not known"
        elif minor and minor >= (1, 20):
            yield from (f"{path} is ignored from chart 1.20 on: the key is now under egress" for path in old)
        elif minor:
            yield from (f"{path} is ignored before chart 1.20" for path in new)
        asked = (
            strict["enabled"].flag() or strict.at("egress", "enabled").flag() or strict.at("ingress", "enabled").flag()
        )
        if asked and values.at("encryption", "enabled").flag() is not True:
            yield f"{strict.path} is on while encryption is off, so nothing is encrypted"


def hubble_certificates_stay(resource: Resource) -> Iterator[str]:
    """Yields Hubble without TLS, or with certificates that change at each render."""
    for values in _values(resource):
        hubble = values["hubble"]
        if hubble["enabled"].flag() is False:
            continue
        tls = hubble["tls"]
        if tls["enabled"].flag() is False:
            yield "values.hubble.tls.enabled is false, so anyone on the network can read the flows"
        elif tls.at("auto", "enabled").flag() is not False and tls.at("auto", "method").text() in (None, "helm"):
            yield "values.hubble.tls.auto.method is helm, which creates new certificates at each render"


def enforces_policies(resource: Resource) -> Iterator[str]:
    """Yields values that stop the enforcement of network policies."""
    for values in _values(resource):
        if values["policyEnforcementMode"].text() == "never":
            yield "values.policyEnforcementMode is never"
        if values["policyAuditMode"].flag():
            yield "values.policyAuditMode is true, so policies are logged and not enforced"


def reaches_host_dns(resource: Resource) -> Iterator[str]:
    """Yields eBPF host routing, with which CoreDNS can't reach Talos' host DNS."""
    for values in _values(resource):
        bpf = values["bpf"]
        if bpf["masquerade"].flag() and bpf["hostLegacyRouting"].flag() is not True:
            yield "values.bpf.masquerade is true without bpf.hostLegacyRouting, so CoreDNS can't reach Talos' host DNS"


def serves_vms(resource: Resource) -> Iterator[str]:
    """Yields a socket load balancer that breaks Services for virtual machines."""
    for values in _values(resource):
        if values.at("socketLB", "hostNamespaceOnly").flag() is not True:
            yield "values.socketLB.hostNamespaceOnly is not true, so virtual machines can't reach Services"


RULES = (
    CHARTS.rule(
        "cilium-replaces-kube-proxy",
        "critical",
        replaces_proxy,
        "Talos runs no kube-proxy here, so without this no Service works, not even the API's own.",
        f"set kubeProxyReplacement: true, k8sServiceHost: localhost, k8sServicePort: {ports.KUBEPRISM}",
    ),
    CHARTS.rule(
        "cilium-takes-node-ranges",
        "high",
        takes_node_ranges,
        "Kubernetes assigns each node its pod range, and the firewall and routes use those ranges.",
        "set ipam.mode: kubernetes",
    ),
    CHARTS.rule(
        "cilium-leaves-cgroups-to-talos",
        "high",
        leaves_cgroups,
        "Talos mounts cgroups itself and does not allow pods to.",
        "set cgroup: {autoMount: {enabled: false}, hostRoot: /sys/fs/cgroup}",
    ),
    CHARTS.rule(
        "cilium-loads-no-modules",
        "critical",
        loads_no_modules,
        "Talos does not allow pods to load kernel modules, so an agent with SYS_MODULE does not start.",
        "list the capabilities without SYS_MODULE",
    ),
    CHARTS.rule(
        "cilium-encrypts-traffic",
        "medium",
        encrypts,
        "Without encryption, traffic of pods and virtual machines between nodes can be read on the network.",
        "set encryption: {enabled: true, type: wireguard}",
        level="opt-in",
    ),
    CHARTS.rule(
        "cilium-encrypts-nodes",
        "low",
        encrypts_nodes,
        "Without it, traffic of pods on the host network and of the nodes is not encrypted.",
        "set encryption.nodeEncryption: true",
        level="advisory",
    ),
    CHARTS.rule(
        "cilium-strict-mode-is-heard",
        "critical",
        strict_mode_heard,
        "If the chart ignores a strict mode key, traffic is unencrypted without a warning.",
        "use encryption.strictMode.enabled before chart 1.20, encryption.strictMode.egress.enabled from 1.20 on",
    ),
    CHARTS.rule(
        "cilium-hubble-certificates-stay",
        "medium",
        hubble_certificates_stay,
        "Certificates that change with every plan hide the changes that matter.",
        "set hubble.tls.auto.method to cronJob or certmanager, or hubble.enabled: false",
    ),
    CHARTS.rule(
        "cilium-enforces-policies",
        "critical",
        enforces_policies,
        "Network policies that are not enforced give false protection.",
        "remove the field",
        "CIS 5.3.1",
        "CIS 5.3.2",
    ),
    CHARTS.rule(
        "cilium-keeps-host-dns",
        "medium",
        reaches_host_dns,
        "With eBPF host routing, answers of Talos' host DNS never reach the pods.",
        "set bpf.hostLegacyRouting: true, or forwardKubeDNSToHost: false in Talos",
        level="advisory",
    ),
    CHARTS.rule(
        "cilium-serves-virtual-machines",
        "medium",
        serves_vms,
        "The socket load balancer only sees the host's sockets; a guest's connections bypass them.",
        "set socketLB.hostNamespaceOnly: true",
        level="advisory",
    ),
)
