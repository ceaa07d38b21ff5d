"""What a pod may ask of its node: the Pod Security Standards, and what they leave out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .field import Field
from .rule import Resource, Rule

TEMPLATES = {
    "core:Pod": ("spec",),
    "core:PodTemplate": ("template", "spec"),
    "core:ReplicationController": ("spec", "template", "spec"),
    "apps:Deployment": ("spec", "template", "spec"),
    "apps:DaemonSet": ("spec", "template", "spec"),
    "apps:StatefulSet": ("spec", "template", "spec"),
    "apps:ReplicaSet": ("spec", "template", "spec"),
    "batch:Job": ("spec", "template", "spec"),
    "batch:CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
WORKLOADS = frozenset(TEMPLATES)

# What the baseline standard lets a container add to the default set.
BASELINE_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
    "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip
TAG = re.compile(r"[^:@]+:(?!latest$)\w[\w.-]{0,127}")
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


def pinned(image: str) -> bool:
    """Whether an image has a digest, or a tag other than latest. A port is not a tag: it precedes the last slash."""
    return bool(DIGEST.fullmatch(image) or TAG.fullmatch(image.rpartition("/")[2]))


def pod(resource: Resource) -> Field:
    """The pod's spec, wherever its kind of workload has it."""
    return resource.inputs.at(*TEMPLATES[resource.kind])


def containers(resource: Resource) -> Iterator[Field]:
    """Each container of the pod: init, regular and ephemeral."""
    spec = pod(resource)
    for group in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec[group].items()


def _security(resource: Resource) -> Iterator[Field]:
    yield from (container["securityContext"] for container in containers(resource))


def privileged(resource: Resource) -> Iterator[str]:
    """Yields privileged containers."""
    for context in _security(resource):
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


def no_escalation(resource: Resource) -> Iterator[str]:
    """Yields containers that may gain privileges."""
    for context in _security(resource):
        if context["allowPrivilegeEscalation"].flag() is not False:
            yield f"{context.path}.allowPrivilegeEscalation is not false"


def non_root(resource: Resource) -> Iterator[str]:
    """Yields containers that may run as root."""
    whole = pod(resource)["securityContext"]
    for context in _security(resource):
        own = context["runAsNonRoot"].flag()
        if (whole["runAsNonRoot"].flag() if own is None else own) is not True:
            yield f"{context.path}.runAsNonRoot is not true, nor is the pod's"


def no_root_user(resource: Resource) -> Iterator[str]:
    """Yields security contexts with user id 0."""
    for context in (pod(resource)["securityContext"], *_security(resource)):
        if context["runAsUser"].number() == 0:
            yield f"{context.path}.runAsUser is 0"


def drops_all(resource: Resource) -> Iterator[str]:
    """Yields containers that keep default capabilities."""
    for context in _security(resource):
        if "ALL" not in context.at("capabilities", "drop").texts():
            yield f"{context.path}.capabilities.drop does not contain ALL"


def adds_little(resource: Resource) -> Iterator[str]:
    """Yields containers that add capabilities beyond the baseline standard."""
    for context in _security(resource):
        added = {name.removeprefix("CAP_") for name in context.at("capabilities", "add").texts()}
        if added - BASELINE_CAPABILITIES:
            yield f"{context.path}.capabilities.add contains one that the baseline standard forbids"


def no_net_raw(resource: Resource) -> Iterator[str]:
    """Yields containers that add NET_RAW."""
    for context in _security(resource):
        if {"NET_RAW", "CAP_NET_RAW", "ALL"} & set(context.at("capabilities", "add").texts()):
            yield f"{context.path}.capabilities.add contains NET_RAW"


def seccomp(resource: Resource) -> Iterator[str]:
    """Yields containers without a seccomp profile."""
    whole = pod(resource).at("securityContext", "seccompProfile", "type").text()
    for context in _security(resource):
        if (context.at("seccompProfile", "type").text() or whole) not in ("RuntimeDefault", "Localhost"):
            yield f"{context.path}.seccompProfile.type is not RuntimeDefault or Localhost, nor is the pod's"


def apparmor_on(resource: Resource) -> Iterator[str]:
    """Yields security contexts that switch AppArmor off."""
    for context in (pod(resource)["securityContext"], *_security(resource)):
        if context.at("appArmorProfile", "type").text() == "Unconfined":
            yield f"{context.path}.appArmorProfile.type is Unconfined"


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
    for context in (pod(resource)["securityContext"], *_security(resource)):
        if context.at("windowsOptions", "hostProcess").flag():
            yield f"{context.path}.windowsOptions.hostProcess is true"


def proc_masked(resource: Resource) -> Iterator[str]:
    """Yields containers with an unmasked /proc."""
    for context in _security(resource):
        if context["procMount"].text() not in (None, "Default"):
            yield f"{context.path}.procMount is not Default"


def safe_sysctls(resource: Resource) -> Iterator[str]:
    """Yields sysctls that are not in Kubernetes' safe set."""
    for sysctl in pod(resource).at("securityContext", "sysctls").items():
        if sysctl["name"].text() not in SAFE_SYSCTLS:
            yield f"{sysctl.path} is not one of the safe sysctls"


def no_secret_env(resource: Resource) -> Iterator[str]:
    """Yields environment variables that are read from a Secret."""
    for container in containers(resource):
        for variable in container["env"].items():
            if variable.at("valueFrom", "secretKeyRef").given:
                yield f"{variable.path} reads a secret into the environment"
        for source in container["envFrom"].items():
            if source["secretRef"].given:
                yield f"{source.path} reads a secret into the environment"


def token_on_purpose(resource: Resource) -> Iterator[str]:
    """Yields a pod that mounts the default service account's token."""
    spec = pod(resource)
    account = spec["serviceAccountName"].text() or spec["serviceAccount"].text() or "default"
    if account == "default" and spec["automountServiceAccountToken"].flag() is not False:
        yield f"{spec.path} mounts the token of the default service account"


def image_pinned(resource: Resource) -> Iterator[str]:
    """Yields images without a fixed tag or digest."""
    for container in containers(resource):
        if not pinned(container["image"].text() or ""):
            yield f"{container.path}.image has no tag, or the moving tag latest"


def image_by_digest(resource: Resource) -> Iterator[str]:
    """Yields images without a digest."""
    for container in containers(resource):
        if not DIGEST.fullmatch(container["image"].text() or ""):
            yield f"{container.path}.image is not named by its digest"


def memory_limited(resource: Resource) -> Iterator[str]:
    """Yields containers without a memory limit."""
    for container in pod(resource)["containers"].items():
        if not container.at("resources", "limits", "memory").given:
            yield f"{container.path}.resources.limits.memory is not set"


def _rule(name, severity, check, why, remedy, *controls, level="mandatory", partial=True) -> Rule:  # type: ignore[no-untyped-def]
    return Rule(
        name=name,
        severity=severity,
        kinds=WORKLOADS,
        check=check,
        why=why,
        remedy=remedy,
        controls=controls,
        level=level,
        partial=partial,
    )


RULES = (
    _rule(
        "pod-is-not-privileged",
        "critical",
        privileged,
        "A privileged container is root on its node.",
        "remove it and add the one capability that is needed",
        "CIS 5.2.2",
        "PSS baseline",
    ),
    _rule(
        "pod-has-own-processes",
        "high",
        host_pid,
        "A pod that sees the node's processes can read their secrets.",
        "remove the field",
        "CIS 5.2.3",
        "PSS baseline",
    ),
    _rule(
        "pod-has-own-ipc",
        "high",
        host_ipc,
        "The node's shared memory contains other programs' data.",
        "remove the field",
        "CIS 5.2.4",
        "PSS baseline",
    ),
    _rule(
        "pod-has-own-network",
        "high",
        host_network,
        "On the node's network a pod bypasses every network policy.",
        "remove the field",
        "CIS 5.2.5",
        "PSS baseline",
    ),
    _rule(
        "pod-does-not-escalate",
        "high",
        no_escalation,
        "A set-uid file must not give more rights than the container started with.",
        "set it to false",
        "CIS 5.2.6",
        "PSS restricted",
        partial=False,
    ),
    _rule(
        "pod-runs-as-non-root",
        "high",
        non_root,
        "If the container's isolation fails, its root user is root on the node.",
        "set it to true",
        "CIS 5.2.7",
        "PSS restricted",
        partial=False,
    ),
    _rule(
        "pod-user-is-not-root",
        "high",
        no_root_user,
        "If the container's isolation fails, its root user is root on the node.",
        "set another user id",
        "CIS 5.2.7",
        "PSS restricted",
    ),
    _rule(
        "pod-drops-capabilities",
        "medium",
        drops_all,
        "The runtime's default capabilities are more than almost any program needs.",
        "set drop: [ALL]",
        "CIS 5.2.10",
        "PSS restricted",
        partial=False,
    ),
    _rule(
        "pod-adds-few-capabilities",
        "high",
        adds_little,
        "The other capabilities affect the node, not only the container.",
        "remove the field",
        "CIS 5.2.9",
        "PSS baseline",
    ),
    _rule(
        "pod-has-no-net-raw",
        "medium",
        no_net_raw,
        "With raw sockets a container can forge other pods' packets.",
        "remove the field",
        "CIS 5.2.8",
        "PSS baseline",
    ),
    _rule(
        "pod-is-confined-by-seccomp",
        "medium",
        seccomp,
        "Most container escapes use a system call that the program does not need.",
        "set RuntimeDefault on the pod",
        "CIS 5.6.2",
        "PSS restricted",
        partial=False,
    ),
    _rule(
        "pod-keeps-apparmor",
        "medium",
        apparmor_on,
        "An unconfined container has one layer of isolation less.",
        "remove the field",
        "PSS baseline",
    ),
    _rule(
        "pod-mounts-no-node-path",
        "high",
        host_path,
        "Files of the node are shared with the kubelet, the runtime and every other pod.",
        "use a volume of a storage class",
        "CIS 5.2.11",
        "PSS baseline",
    ),
    _rule(
        "pod-takes-no-node-port",
        "medium",
        host_ports,
        "Network policies do not apply to a port of the node.",
        "use a Service",
        "CIS 5.2.12",
        "PSS baseline",
    ),
    _rule(
        "pod-is-no-host-process",
        "critical",
        host_process,
        "A host process container is an administrator of its node.",
        "remove the field",
        "PSS baseline",
    ),
    _rule(
        "pod-keeps-proc-masked",
        "medium",
        proc_masked,
        "The masked parts of /proc expose and change kernel state.",
        "remove the field",
        "PSS baseline",
    ),
    _rule(
        "pod-sets-safe-sysctls",
        "medium",
        safe_sysctls,
        "Other sysctls affect the whole node.",
        "set it on the machine, where it is reviewed",
        "PSS baseline",
    ),
    _rule(
        "pod-reads-secrets-from-files",
        "medium",
        no_secret_env,
        "Environment variables leak through logs, crash dumps and child processes, and keep a Secret's old value.",
        "mount the secret as a volume",
        "CIS 5.4.1",
    ),
    _rule(
        "pod-chooses-its-account",
        "medium",
        token_on_purpose,
        "Rights of the default account apply to every pod of the namespace.",
        "set automountServiceAccountToken: false, or name an account of its own",
        "CIS 5.1.5",
        "CIS 5.1.6",
        partial=False,
    ),
    _rule(
        "pod-image-is-pinned",
        "high",
        image_pinned,
        "The image that runs must be the one that was reviewed.",
        "give a version, preferably with its digest",
        "CIS 5.5.1",
        partial=False,
    ),
    _rule(
        "pod-image-has-digest",
        "low",
        image_by_digest,
        "A tag can be moved; a digest can't.",
        "append @sha256:... to the image",
        "CIS 5.5.1",
        level="opt-in",
        partial=False,
    ),
    _rule(
        "pod-memory-is-limited",
        "low",
        memory_limited,
        "Talos' out-of-memory handler kills pods without a limit first.",
        "set a limit with some headroom",
        level="opt-in",
        partial=False,
    ),
)
