"""Rules that keep a pod apart from its node: namespaces, paths, ports."""

from __future__ import annotations

from collections.abc import Iterator

from .pods import PODS, containers, pod, security_contexts
from .rule import Resource


def privileged(resource: Resource) -> Iterator[str]:
    """Yields privileged containers."""
    for context in security_contexts(resource):
        if context["privileged"].flag():
            yield f"{context.path}.privileged is true"


def host_pid(resource: Resource) -> Iterator[str]:
    """Yields a pod in the node's process namespace."""
    if (field := pod(resource)["hostPID"]).flag():
        yield f"{field.path} is true"


def host_ipc(resource: Resource) -> Iterator[str]:
    """Yields a pod in the node's IPC namespace."""
    if (field := pod(resource)["hostIPC"]).flag():
        yield f"{field.path} is true"


def host_network(resource: Resource) -> Iterator[str]:
    """Yields a pod on the node's network."""
    if (field := pod(resource)["hostNetwork"]).flag():
        yield f"{field.path} is true"


def host_path(resource: Resource) -> Iterator[str]:
    """Yields volumes that mount a path of the node."""
    for volume in pod(resource)["volumes"].items():
        if volume["hostPath"].given:
            yield f"{volume.path}.hostPath mounts a path of the node"


def host_ports(resource: Resource) -> Iterator[str]:
    """Yields container ports that use a port of the node."""
    for container in containers(resource):
        for port in container["ports"].items():
            if port["hostPort"].number():
                yield f"{port.path}.hostPort uses a port of the node"


def host_process(resource: Resource) -> Iterator[str]:
    """Yields Windows host process containers."""
    for context in (pod(resource)["securityContext"], *security_contexts(resource)):
        if context.at("windowsOptions", "hostProcess").flag():
            yield f"{context.path}.windowsOptions.hostProcess is true"


RULES = (
    PODS.rule(
        "pod-is-not-privileged",
        "critical",
        privileged,
        "A privileged container is root on its node.",
        "remove it and add the one capability that is needed",
        "CIS 5.2.2",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-has-own-processes",
        "high",
        host_pid,
        "A pod that sees the node's processes can read their secrets.",
        "remove the field",
        "CIS 5.2.3",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-has-own-ipc",
        "high",
        host_ipc,
        "The node's shared memory contains other programs' data.",
        "remove the field",
        "CIS 5.2.4",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-has-own-network",
        "high",
        host_network,
        "On the node's network a pod bypasses every network policy.",
        "remove the field",
        "CIS 5.2.5",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-mounts-no-node-path",
        "high",
        host_path,
        "Files of the node are shared with the kubelet, the runtime and every other pod.",
        "use a volume of a storage class",
        "CIS 5.2.11",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-takes-no-node-port",
        "medium",
        host_ports,
        "Network policies do not apply to a port of the node.",
        "use a Service",
        "CIS 5.2.12",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-is-no-host-process",
        "critical",
        host_process,
        "A host process container is an administrator of its node.",
        "remove the field",
        "PSS baseline",
    ),
)
