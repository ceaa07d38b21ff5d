"""Rules for the kubelet in a machine configuration: its certificate, registration and seccomp profile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from core.facts.paths import CLUSTER_CA

from .flag import arguments, components
from .rule import Resource, Rule
from .talos import APPLY


def kubelet_proves_itself(resource: Resource) -> Iterator[str]:
    """Yields what lets a kubelet serve a certificate that the cluster's CA did not sign."""
    yield from _bootstraps_certificate(resource)
    yield from _keeps_certificate(resource)
    yield from _verified_by_api_server(resource)


def _bootstraps_certificate(resource: Resource) -> Iterator[str]:
    bodies = [
        resource.config.v1alpha1.at("machine", "kubelet", "extraConfig"),
        *(document["config"] for document in resource.config.of("KubeletConfig")),
    ]
    if not any(body["serverTLSBootstrap"].flag() for body in bodies):
        yield "serverTLSBootstrap is not true, so kubelets sign their own serving certificates"
    for body in bodies:
        gate = body["featureGates"]["RotateKubeletServerCertificate"]
        if gate.flag() is False:
            yield f"{gate.path} must not be false: kubelets would sign their own certificates"


def _keeps_certificate(resource: Resource) -> Iterator[str]:
    flags = ("rotate-server-certificates", "tls-cert-file", "tls-private-key-file")
    for flag, kubelet in product(flags, components(resource, "kubelet")):
        for argument in arguments(kubelet, flag):
            value = argument.scalar()
            if value is not None and (flag.startswith("tls") or value != "true"):
                yield f"{argument.path} must not be set: kubelets would serve a certificate of another CA"


def _verified_by_api_server(resource: Resource) -> Iterator[str]:
    name = "kubelet-certificate-authority"
    servers = components(resource, "apiServer")
    given = [authority for server in servers for authority in arguments(server, name) if authority.given]
    there = [server for server in servers if server.given] or (servers[-1:] if resource.known_controlplane else [])
    if there and not given:
        path = there[0].path
        yield f"{path}.extraArgs.{name} is not set, so the API server does not verify kubelets' certificates"
    for authority in given:
        if authority.scalar() != CLUSTER_CA:
            yield f"{authority.path} must be the cluster's own CA, {CLUSTER_CA}"


def seccomp_default(resource: Resource) -> Iterator[str]:
    """Yields a kubelet whose default seccomp profile is off."""
    kubelets = components(resource, "kubelet")
    switches = [place["defaultRuntimeSeccompProfileEnabled"] for place in kubelets]
    off = [switch for switch in switches if switch.flag() is False]
    # In a whole configuration, what is absent is off.
    if resource.inputs["base"].given and not any(switch.given for switch in switches):
        off = switches[-1:]
    yield from (f"{switch.path} must stay true" for switch in off)


def registers_node(resource: Resource) -> Iterator[str]:
    """Yields a kubelet that does not register its node."""
    kubelet = resource.config.v1alpha1.at("machine", "kubelet")
    for place in (kubelet, *resource.config.of("KubeNodeConfig")):
        if place["skipNodeRegistration"].flag():
            yield f"{place.path}.skipNodeRegistration must stay false: it switches kubelet authorization to AlwaysAllow"


RULES = (
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
)
