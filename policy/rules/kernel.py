"""Rules for kernel arguments, sysctls, and what a network boot reveals to its network."""

from __future__ import annotations

from collections.abc import Iterator

from .field import Field
from .rule import Resource, Rule
from .talos import APPLY

PROFILE = frozenset({"matchbox:index/profile:Profile"})
BOOT = APPLY | PROFILE

# Talos sets these itself, and another value weakens it. Source: siderolabs/talos pkg/kernel/kspp.
KSPP = {
    "dev.tty.ldisc_autoload": ("0",),
    "dev.tty.legacy_tiocsti": ("0",),
    "fs.protected_fifos": ("2",),
    "fs.protected_hardlinks": ("1",),
    "fs.protected_regular": ("2",),
    "fs.protected_symlinks": ("1",),
    "fs.suid_dumpable": ("0",),
    "kernel.dmesg_restrict": ("1",),
    "kernel.kexec_load_disabled": ("1",),
    "kernel.kptr_restrict": ("2",),
    "kernel.perf_event_paranoid": ("3",),
    "kernel.randomize_va_space": ("2",),
    "kernel.unprivileged_bpf_disabled": ("1", "2"),
    "kernel.yama.ptrace_scope": ("2", "3"),
    "net.core.bpf_jit_harden": ("2",),
    "user.max_user_namespaces": ("0",),
    "vm.unprivileged_userfaultfd": ("0",),
}
# Redirects and spoofed sources. Talos does not enforce these, and no platform needs them.
NETWORK = {
    f"net.ipv4.conf.{which}.{key}": ("0",)
    for which in ("all", "default")
    for key in ("accept_redirects", "accept_source_route", "send_redirects", "secure_redirects")
} | {"net.ipv4.tcp_syncookies": ("1",), "net.ipv4.icmp_echo_ignore_broadcasts": ("1",)}

MITIGATIONS_OFF = (
    "mitigations=off",
    "nopti",
    "pti=off",
    "nospectre_v1",
    "nospectre_v2",
    "spectre_v2=off",
    "spectre_v2_user=off",
    "spec_store_bypass_disable=off",
    "l1tf=off",
    "mds=off",
    "tsx_async_abort=off",
    "mmio_stale_data=off",
    "retbleed=off",
    "srbds=off",
    "gather_data_sampling=off",
    "reg_file_data_sampling=off",
    "spec_rstack_overflow=off",
    "kvm.nx_huge_pages=off",
    "kvm-intel.vmentry_l1d_flush=never",
    "nosmep",
    "nosmap",
    "nokaslr",
    "noexec=off",
)
HARDENING_OFF = (
    "-slab_nomerge",
    "-pti",
    "-init_on_alloc",
    "-init_on_free",
    "-module.sig_enforce",
    "-lockdown",
    "-selinux",
    "slab_merge",
    "init_on_alloc=0",
    "init_on_free=0",
    "module.sig_enforce=0",
    "lockdown=none",
    "selinux=0",
    "proc_mem.force_override=always",
    "-proc_mem.force_override",
    "talos.auditd.disabled=1",
    "iommu=off",
    "intel_iommu=off",
    "amd_iommu=off",
)
WANTED = ("slab_nomerge", "pti=on")


def arguments(resource: Resource) -> list[Field]:
    """Each kernel argument. One that contains an unknown value makes the rule that reads it report a violation."""
    if resource.kind in PROFILE:
        return resource.inputs["args"].items()
    return resource.machine.v1alpha1.at("machine", "install", "extraKernelArgs").items()


def _forbidden(resource: Resource, bad: tuple[str, ...], what: str) -> Iterator[str]:
    for argument in arguments(resource):
        words = set((argument.text() or "").split())
        # The message contains words of the list above and none of the resource's values.
        yield from (f"{argument.path}: {word} {what}" for word in bad if word in words)


def mitigations_on(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments that disable mitigations."""
    yield from _forbidden(resource, MITIGATIONS_OFF, "disables a defence against hostile code")


def hardening_kept(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments that disable hardening defaults."""
    yield from _forbidden(resource, HARDENING_OFF, "disables a hardening default")


def hardening_booted(resource: Resource) -> Iterator[str]:
    """Yields hardening arguments that a network boot lacks."""
    words = {word for argument in arguments(resource) for word in (argument.text() or "").split()}
    yield from (f"args lack {word}" for word in WANTED if word not in words)


def selinux_permissive(resource: Resource) -> Iterator[str]:
    """Yields an enforcing SELinux."""
    yield from _forbidden(resource, ("enforcing=1",), "is untested with Cilium and KubeVirt")


def no_wipe(resource: Resource) -> Iterator[str]:
    """Yields the kernel argument that erases the machine at each boot."""
    for argument in arguments(resource):
        if any(word.startswith("talos.experimental.wipe=") for word in (argument.text() or "").split()):
            yield f"{argument.path}: talos.experimental.wipe erases the machine at every boot"


def config_not_in_clear(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments that contain a machine configuration or fetch one without TLS."""
    for argument in arguments(resource):
        for word in (argument.text() or "").split():
            if word.startswith(("talos.config.inline=", "talos.config.early=")):
                yield f"{argument.path} contains a machine configuration, and with it the cluster's secrets"
            elif word.startswith("talos.config=") and not word.startswith(
                ("talos.config=https://", "talos.config=metal-iso")
            ):
                yield f"{argument.path} fetches the machine configuration, with the cluster's secrets, without TLS"


def nothing_else_served(resource: Resource) -> Iterator[str]:
    """Yields content of a boot profile other than kernel, initrd and arguments."""
    for name in ("genericConfig", "rawIgnition", "containerLinuxConfig"):
        if resource.inputs[name].given and resource.inputs[name].value != "":
            yield f"{name} is served without authentication"


def sysctls_kept(resource: Resource) -> Iterator[str]:
    """Yields sysctls that weaken the Kernel Self-Protection Project's settings."""
    for place in (
        resource.machine.v1alpha1.at("machine", "sysctls"),
        *(document["params"] for document in resource.machine.of("SysctlConfig")),
    ):
        for key, fine in (KSPP | NETWORK).items():
            for spelling in (key, key.replace(".", "/")):
                value = place[spelling].scalar()
                if value is not None and value.strip() not in fine:
                    yield f"{place.path} sets {key} to a value other than {' or '.join(fine)}"


RULES = (
    Rule(
        name="kernel-mitigations-stay-on",
        severity="critical",
        kinds=BOOT,
        check=mitigations_on,
        controls=("KSPP",),
        why="A virtual machine host runs code of tenants who do not trust each other.",
        remedy="remove the argument",
    ),
    Rule(
        name="kernel-hardening-is-kept",
        severity="high",
        kinds=BOOT,
        check=hardening_kept,
        controls=("KSPP",),
        why="Talos boots with the settings of the Kernel Self-Protection Project and relies on them.",
        remedy="remove the argument",
    ),
    Rule(
        name="kernel-boots-hardened",
        severity="high",
        kinds=PROFILE,
        check=hardening_booted,
        controls=("KSPP",),
        why="Talos refuses to run without these arguments, and a network boot has only the ones given here.",
        remedy="add slab_nomerge and pti=on to args",
    ),
    Rule(
        name="kernel-selinux-is-permissive",
        severity="medium",
        kinds=BOOT,
        check=selinux_permissive,
        why="Enforcing mode is tested with Flannel only; with Cilium it can prevent nodes from joining.",
        remedy="remove enforcing=1",
    ),
    Rule(
        name="boot-never-wipes",
        severity="critical",
        kinds=BOOT,
        check=no_wipe,
        why="A wipe on the kernel command line is repeated at each boot.",
        remedy="reset the machine once, through the Talos API",
    ),
    Rule(
        name="boot-shows-no-secrets",
        severity="critical",
        kinds=BOOT,
        check=config_not_in_clear,
        why="Every host on the provisioning network can fetch what a booting machine fetches.",
        remedy="boot into maintenance mode and send the configuration, or serve it over https to authenticated clients",
    ),
    Rule(
        name="boot-serves-only-images",
        severity="high",
        kinds=PROFILE,
        check=nothing_else_served,
        why="Matchbox serves profiles without authentication.",
        remedy="leave it empty: Talos is configured through its API",
    ),
    Rule(
        name="kernel-sysctls-are-kept",
        severity="high",
        kinds=APPLY,
        check=sysctls_kept,
        controls=("KSPP",),
        why="These settings prevent a process from reading or controlling another.",
        remedy="remove the key from the sysctls, or record an exception to KSPP",
    ),
)
