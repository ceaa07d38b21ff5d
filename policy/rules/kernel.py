"""Rules for kernel arguments, sysctls, and what a network boot reveals to its network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from core.facts.kernel_words import matches, weakens, words
from core.facts.sysctls import dotted, starts_another
from core.native.machine import TALOS_VERSION

from .arguments import HARDENING, LISTS, MITIGATIONS, REMOVED
from .field import Field
from .rule import Resource, Rule
from .talos import APPLY

PROFILE = frozenset({"matchbox:index/profile:Profile"})
# Installs an image; its input lists the kernel arguments in it.
RELEASE = frozenset({TALOS_VERSION.token})
BOOT = APPLY | PROFILE | RELEASE
LISTED = {**dict.fromkeys(PROFILE, "args"), **dict.fromkeys(RELEASE, "kernelArguments")}

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
# What the kernel starts with all rights and outside of every container. Source: Linux, admin-guide/sysctl/kernel.rst.
PROGRAMS = {
    "kernel.modprobe": ("", "/sbin/modprobe"),
    "kernel.poweroff_cmd": ("", "/sbin/poweroff"),
    "kernel.hotplug": ("",),
    "kernel.core_pattern": ("|/bin/false",),
}
# Redirects and spoofed sources. Talos does not enforce these, and no platform needs them.
NETWORK = {
    f"net.ipv4.conf.{which}.{key}": ("0",)
    for which in ("all", "default")
    for key in ("accept_redirects", "accept_source_route", "send_redirects", "secure_redirects")
} | {"net.ipv4.tcp_syncookies": ("1",), "net.ipv4.icmp_echo_ignore_broadcasts": ("1",)}

PROXIES = ("http_proxy=", "https_proxy=", "no_proxy=")
WANTED = ("slab_nomerge", "pti=on")


def arguments(resource: Resource) -> list[Field]:
    """Each kernel argument. One that contains an unknown value makes the rule that reads it report a violation."""
    if resource.kind in LISTED:
        return resource.inputs[LISTED[resource.kind]].items()
    return resource.config.v1alpha1.at("machine", "install", "extraKernelArgs").items()


def _forbidden(resource: Resource, bad: Callable[[str], Iterable[str]], what: str) -> Iterator[str]:
    for path, text in (*((each.path, each.text() or "") for each in arguments(resource)), *_of_modules(resource)):
        # The message contains words of this release's tables and none of the resource's values.
        yield from (f"{path}: {word} {what}" for word in bad(text))


def _of_modules(resource: Resource) -> Iterator[tuple[str, str]]:
    """Path of each parameter of a module, and the kernel argument of the same effect, such as kvm.nx_huge_pages=off."""
    if resource.kind in LISTED:
        return
    listed = resource.config.v1alpha1.at("machine", "kernel", "modules").items()
    for module in (*listed, *resource.config.of("KernelModuleConfig")):
        for parameter in module["parameters"].items():
            yield from (
                (parameter.path, f"{module['name'].text()}.{word}") for word in (parameter.text() or "").split()
            )


def mitigations_on(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments that disable mitigations."""
    yield from _forbidden(resource, lambda text: matches(text, MITIGATIONS), "disables a defence against hostile code")


def hardening_kept(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments that disable hardening defaults."""
    yield from _forbidden(
        resource, lambda text: weakens(text, HARDENING, LISTS, REMOVED, KSPP, PROGRAMS), "disables a hardening default"
    )


def hardening_booted(resource: Resource) -> Iterator[str]:
    """Yields hardening arguments that a boot lacks."""
    listed = resource.inputs[LISTED[resource.kind]]
    if resource.kind in RELEASE and not listed.given:
        return  # The arguments in a schematic that is only an id are not known.
    given = {word for argument in arguments(resource) for word in (argument.text() or "").split()}
    yield from (f"{listed.path} lack {word}" for word in WANTED if word not in given)


def selinux_permissive(resource: Resource) -> Iterator[str]:
    """Yields an enforcing SELinux."""
    for path, name, value in _words(resource):
        if (name, value) == ("enforcing", "1"):
            yield f"{path}: enforcing=1 is untested with Cilium and KubeVirt"


def no_wipe(resource: Resource) -> Iterator[str]:
    """Yields the kernel argument that erases the machine at each boot."""
    for path, name, _ in _words(resource):
        if name == "talos.experimental.wipe":
            yield f"{path}: talos.experimental.wipe erases the machine at every boot"


def boots_talos(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments by which something else than this platform, or than Talos, controls the machine."""
    for path, name, value in _words(resource):
        if name == "talos.platform" and value != "metal":
            yield f"{path}: talos.platform is not metal"
        elif name == "siderolink.api":
            yield f"{path}: siderolink.api lets another server control the machine"
        elif name == "talos.environment" and not value.startswith(PROXIES):
            yield f"{path}: talos.environment changes how Talos' own programs run"
        elif name in ("init", "rdinit"):
            yield f"{path}: {name} starts another program than Talos"


def config_not_in_clear(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments that contain a machine configuration or fetch one without TLS."""
    for path, name, value in _words(resource):
        if name in ("talos.config.inline", "talos.config.early"):
            yield f"{path} contains a machine configuration, and with it the cluster's secrets"
        elif name == "talos.config" and not value.startswith(("https://", "metal-iso")):
            yield f"{path} fetches the machine configuration, with the cluster's secrets, without TLS"


def _words(resource: Resource) -> Iterator[tuple[str, str, str]]:
    """Path, name and value of each word of the kernel arguments, in one spelling."""
    for argument in arguments(resource):
        yield from ((argument.path, *word) for word in words(argument.text() or ""))


def nothing_else_served(resource: Resource) -> Iterator[str]:
    """Yields content of a boot profile other than kernel, initrd and arguments."""
    for name in ("genericConfig", "rawIgnition", "containerLinuxConfig"):
        if resource.inputs[name].given and resource.inputs[name].value != "":
            yield f"{name} is served without authentication"


def sysctls_kept(resource: Resource) -> Iterator[str]:
    """Yields sysctls that weaken the Kernel Self-Protection Project's settings."""
    for place in (
        resource.config.v1alpha1.at("machine", "sysctls"),
        *(document["params"] for document in resource.config.of("SysctlConfig")),
    ):
        for spelling, _ in place.entries():
            key = dotted(spelling)
            fine = (KSPP | NETWORK).get(key)
            value = place[spelling].scalar() if fine else None
            if fine and value is not None and value.strip() not in fine:
                yield f"{place.path} sets {key} to a value other than {' or '.join(fine)}"
            if key in PROGRAMS and starts_another(key, place[spelling].scalar() or "", PROGRAMS):
                yield f"{place.path} sets {key} to a program that the kernel would start with all rights"


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
        kinds=PROFILE | RELEASE,
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
        name="boot-starts-talos",
        severity="critical",
        kinds=BOOT,
        check=boots_talos,
        why="What configures Talos in place of this platform controls the machine and every secret on it.",
        remedy="remove the argument: the images have talos.platform=metal",
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
