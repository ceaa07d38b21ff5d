"""Rules for the privileges of a pod's containers: the Pod Security Standards."""

from __future__ import annotations

from collections.abc import Iterator

from .pods import PODS, pod, security_contexts
from .rule import Resource

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


def no_escalation(resource: Resource) -> Iterator[str]:
    """Yields containers that may gain privileges."""
    for context in security_contexts(resource):
        if context["allowPrivilegeEscalation"].flag() is not False:
            yield f"{context.path}.allowPrivilegeEscalation is not false"


def non_root(resource: Resource) -> Iterator[str]:
    """Yields containers that may run as root."""
    whole = pod(resource)["securityContext"]
    for context in security_contexts(resource):
        own = context["runAsNonRoot"].flag()
        if (whole["runAsNonRoot"].flag() if own is None else own) is not True:
            yield f"{context.path}.runAsNonRoot is not true, nor is the pod's"


def no_root_user(resource: Resource) -> Iterator[str]:
    """Yields security contexts with user id 0."""
    for context in (pod(resource)["securityContext"], *security_contexts(resource)):
        if context["runAsUser"].number() == 0:
            yield f"{context.path}.runAsUser is 0"


def drops_all(resource: Resource) -> Iterator[str]:
    """Yields containers that keep default capabilities."""
    for context in security_contexts(resource):
        if "ALL" not in context.at("capabilities", "drop").texts():
            yield f"{context.path}.capabilities.drop does not contain ALL"


def adds_little(resource: Resource) -> Iterator[str]:
    """Yields containers that add capabilities beyond the baseline standard."""
    for context in security_contexts(resource):
        added = {name.removeprefix("CAP_") for name in context.at("capabilities", "add").texts()}
        if added - BASELINE_CAPABILITIES:
            yield f"{context.path}.capabilities.add contains one that the baseline standard forbids"


def no_net_raw(resource: Resource) -> Iterator[str]:
    """Yields containers that add NET_RAW."""
    for context in security_contexts(resource):
        if {"NET_RAW", "CAP_NET_RAW", "ALL"} & set(context.at("capabilities", "add").texts()):
            yield f"{context.path}.capabilities.add contains NET_RAW"


def seccomp(resource: Resource) -> Iterator[str]:
    """Yields containers without a seccomp profile."""
    whole = pod(resource).at("securityContext", "seccompProfile", "type").text()
    for context in security_contexts(resource):
        if (context.at("seccompProfile", "type").text() or whole) not in ("RuntimeDefault", "Localhost"):
            yield f"{context.path}.seccompProfile.type is not RuntimeDefault or Localhost, nor is the pod's"


def apparmor_on(resource: Resource) -> Iterator[str]:
    """Yields security contexts that switch AppArmor off."""
    for context in (pod(resource)["securityContext"], *security_contexts(resource)):
        if context.at("appArmorProfile", "type").text() == "Unconfined":
            yield f"{context.path}.appArmorProfile.type is Unconfined"


def proc_masked(resource: Resource) -> Iterator[str]:
    """Yields containers with an unmasked /proc."""
    for context in security_contexts(resource):
        if context["procMount"].text() not in (None, "Default"):
            yield f"{context.path}.procMount is not Default"


def safe_sysctls(resource: Resource) -> Iterator[str]:
    """Yields sysctls that are not in Kubernetes' safe set."""
    for sysctl in pod(resource).at("securityContext", "sysctls").items():
        if sysctl["name"].text() not in SAFE_SYSCTLS:
            yield f"{sysctl.path} is not one of the safe sysctls"


RULES = (
    PODS.rule(
        "pod-does-not-escalate",
        "high",
        no_escalation,
        "A set-uid file must not give more rights than the container started with.",
        "set it to false",
        "CIS 5.2.6",
        "PSS restricted",
        partial=False,
    ),
    PODS.rule(
        "pod-runs-as-non-root",
        "high",
        non_root,
        "If the container's isolation fails, its root user is root on the node.",
        "set it to true",
        "CIS 5.2.7",
        "PSS restricted",
        partial=False,
    ),
    PODS.rule(
        "pod-user-is-not-root",
        "high",
        no_root_user,
        "If the container's isolation fails, its root user is root on the node.",
        "set another user id",
        "CIS 5.2.7",
        "PSS restricted",
    ),
    PODS.rule(
        "pod-drops-capabilities",
        "medium",
        drops_all,
        "The runtime's default capabilities are more than almost any program needs.",
        "set drop: [ALL]",
        "CIS 5.2.10",
        "PSS restricted",
        partial=False,
    ),
    PODS.rule(
        "pod-adds-few-capabilities",
        "high",
        adds_little,
        "The other capabilities affect the node, not only the container.",
        "remove the field",
        "CIS 5.2.9",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-has-no-net-raw",
        "medium",
        no_net_raw,
        "With raw sockets a container can forge other pods' packets.",
        "remove the field",
        "CIS 5.2.8",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-is-confined-by-seccomp",
        "medium",
        seccomp,
        "Most container escapes use a system call that the program does not need.",
        "set RuntimeDefault on the pod",
        "CIS 5.6.2",
        "PSS restricted",
        partial=False,
    ),
    PODS.rule(
        "pod-keeps-apparmor",
        "medium",
        apparmor_on,
        "An unconfined container has one layer of isolation less.",
        "remove the field",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-keeps-proc-masked",
        "medium",
        proc_masked,
        "The masked parts of /proc expose and change kernel state.",
        "remove the field",
        "PSS baseline",
    ),
    PODS.rule(
        "pod-sets-safe-sysctls",
        "medium",
        safe_sysctls,
        "Other sysctls affect the whole node.",
        "set it on the machine, where it is reviewed",
        "PSS baseline",
    ),
)
